#pragma once
// The two cyclic redundancy checks of our files, both reflected, start and final xor 0xffffffff.

#include <cstdint>
#include <string_view>

namespace reprise::logs {

/// CRC-32 (IEEE 802.3, polynomial 0x04c11db7), as zlib's crc32(): frames of our logs.
std::uint32_t crc32(std::string_view bytes);

/// CRC-32C (Castagnoli, polynomial 0x1edc6f41): TFRecord files.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace reprise::logs
