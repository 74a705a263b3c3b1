#include "framing.h"

#include "crc32.h"
#include "reprise/core/error.h"

namespace reprise::logs {
namespace {

constexpr std::size_t kLongestPayload = std::size_t{64} << 20;
// A frame found inside a torn one would be an accident of 1 in 2^32; shorter matches are not asked to be believed.
constexpr std::size_t kShortestConvincingPayload = 8;

void put_u32(std::string& out, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

std::uint32_t get_u32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    value |= std::uint32_t{static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)])} << (8 * i);
  }
  return value;
}

[[noreturn]] void throw_damaged(const std::string& path, std::size_t offset, std::string_view what) {
  throw Error(ErrorKind::kCorrupt, fmt::format("damaged log record: {}: offset {}: {}", path, offset, what),
              kDamagedHint);
}

}  // namespace

std::string frame(std::string_view payload) {
  REPRISE_CHECK(!payload.empty() && payload.size() <= kLongestPayload);
  std::string bytes;
  bytes.reserve(kFrameHeaderBytes + payload.size());
  put_u32(bytes, static_cast<std::uint32_t>(payload.size()));
  put_u32(bytes, crc32(payload));
  bytes += payload;
  return bytes;
}

std::optional<Frame> FrameReader::next() {
  const std::string_view rest = bytes_.substr(offset_);
  if (rest.empty()) return std::nullopt;
  if (rest.size() < kFrameHeaderBytes) return std::nullopt;  // torn inside the header
  const std::size_t length = get_u32(rest);
  if (length == 0) throw_damaged(path_, offset_, "its length is 0");
  if (length > kLongestPayload) throw_damaged(path_, offset_, fmt::format("its length is {}", length));
  if (length > rest.size() - kFrameHeaderBytes) {
    check_tail_is_torn(rest);
    return std::nullopt;
  }
  const std::string_view payload = rest.substr(kFrameHeaderBytes, length);
  if (crc32(payload) != get_u32(rest.substr(4))) throw_damaged(path_, offset_, "its checksum does not match");
  Frame found{offset_, rest.substr(0, kFrameHeaderBytes + length), payload};
  offset_ += found.bytes.size();
  return found;
}

/// A flipped bit in a length can point behind the end of the file too, and must not pass for a torn tail: then the
/// rest is a whole payload, or whole frames follow somewhere behind.
void FrameReader::check_tail_is_torn(std::string_view rest) const {
  if (crc32(rest.substr(kFrameHeaderBytes)) == get_u32(rest.substr(4))) {
    throw_damaged(path_, offset_, fmt::format("its length is {}, but it ends earlier", get_u32(rest)));
  }
  for (std::size_t i = kFrameHeaderBytes; i + kFrameHeaderBytes < rest.size(); ++i) {
    const std::size_t length = get_u32(rest.substr(i));
    if (length < kShortestConvincingPayload || length > rest.size() - i - kFrameHeaderBytes) continue;
    if (crc32(rest.substr(i + kFrameHeaderBytes, length)) == get_u32(rest.substr(i + 4))) {
      throw_damaged(
          path_, offset_,
          fmt::format("its length is {}, but another record starts at offset {}", get_u32(rest), offset_ + i));
    }
  }
}

}  // namespace reprise::logs
