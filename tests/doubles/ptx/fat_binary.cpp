#include "fat_binary.h"

#include <zstd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "module.h"

namespace reprise::ptx {
namespace {

// The form is not documented by NVIDIA; it is what nvcc 13.0 writes.
struct FileHeader {
  std::uint32_t magic;
  std::uint16_t version, header_bytes;
  std::uint64_t bytes;  // behind the header
};
struct EntryHeader {
  std::uint16_t kind, version;
  std::uint32_t header_bytes;
  std::uint64_t padded_bytes;
  std::uint32_t compressed_bytes;  // 0: not compressed
  std::uint32_t unknown[9];
  std::uint64_t uncompressed_bytes;
};
constexpr std::uint32_t kMagic = 0xba55ed50;
constexpr std::uint16_t kKindPtx = 1;

template <typename T>
T header_at(const std::byte* place) {
  T header;
  std::memcpy(&header, place, sizeof(T));
  return header;
}

std::string text_of(const EntryHeader& entry, const std::byte* payload) {
  std::string text(entry.uncompressed_bytes, '\0');
  if (entry.compressed_bytes == 0) {
    text.assign(reinterpret_cast<const char*>(payload), entry.padded_bytes);
  } else {
    const std::size_t bytes = ZSTD_decompress(text.data(), text.size(), payload, entry.compressed_bytes);
    if (ZSTD_isError(bytes) != 0 || bytes != text.size()) {
      throw Fault(std::string("PTX that zstd cannot read: ") + ZSTD_getErrorName(bytes));
    }
  }
  return text.substr(0, text.find('\0'));
}

}  // namespace

std::vector<std::string> ptx_of_fat_binary(const void* fat_binary) {
  const auto* const begin = static_cast<const std::byte*>(fat_binary);
  const auto file = header_at<FileHeader>(begin);
  if (file.magic != kMagic) throw Fault("not a fat binary");
  std::vector<std::string> texts;
  for (std::uint64_t offset = 0; offset < file.bytes;) {
    const std::byte* const place = begin + file.header_bytes + offset;
    const auto entry = header_at<EntryHeader>(place);
    if (entry.header_bytes < sizeof(EntryHeader) && entry.kind == kKindPtx) throw Fault("an unknown fat binary");
    if (entry.kind == kKindPtx) texts.push_back(text_of(entry, place + entry.header_bytes));
    offset += entry.header_bytes + entry.padded_bytes;
  }
  return texts;
}

}  // namespace reprise::ptx
