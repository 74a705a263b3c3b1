#include "xz_size.h"

#include <fmt/core.h>
#include <lzma.h>

#include <algorithm>
#include <array>
#include <bit>

#include "reprise/core/error.h"

namespace reprise::eval {
namespace {

[[noreturn]] void throw_lzma(lzma_ret code) {
  const ErrorKind kind = code == LZMA_MEM_ERROR ? ErrorKind::kOutOfMemory : ErrorKind::kInternal;
  throw Error(kind, fmt::format("liblzma could not compress the baseline's text: code {}", static_cast<int>(code)),
              "leave the baselines out: `reprise eval RUN --tasks held_out,pairs`");
}

/// lzma_stream with its release.
struct Encoder {
  lzma_stream stream = LZMA_STREAM_INIT;
  Encoder() = default;
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  ~Encoder() { lzma_end(&stream); }
};

}  // namespace

std::uint64_t xz_dictionary(std::uint64_t text_bytes) {
  constexpr std::uint64_t kLeast = std::uint64_t{1} << 20;
  constexpr std::uint64_t kMost = std::uint64_t{1} << 30;
  return std::clamp(std::bit_ceil(text_bytes), kLeast, kMost);
}

std::uint64_t xz_size(std::string_view text, std::uint64_t dictionary_bytes) {
  lzma_options_lzma options;
  if (lzma_lzma_preset(&options, 9 | LZMA_PRESET_EXTREME) != 0) throw_lzma(LZMA_OPTIONS_ERROR);
  options.dict_size = static_cast<std::uint32_t>(dictionary_bytes);
  const lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  Encoder encoder;
  lzma_ret code = lzma_stream_encoder(&encoder.stream, filters, LZMA_CHECK_CRC64);
  if (code != LZMA_OK) throw_lzma(code);
  std::array<std::uint8_t, 1 << 16> out;
  encoder.stream.next_in = reinterpret_cast<const std::uint8_t*>(text.data());
  encoder.stream.avail_in = text.size();
  while (code != LZMA_STREAM_END) {
    encoder.stream.next_out = out.data();
    encoder.stream.avail_out = out.size();
    code = lzma_code(&encoder.stream, LZMA_FINISH);
    if (code != LZMA_OK && code != LZMA_STREAM_END) throw_lzma(code);
  }
  return encoder.stream.total_out;
}

}  // namespace reprise::eval
