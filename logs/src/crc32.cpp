#include "crc32.h"

#include <array>

namespace reprise::logs {
namespace {

using Table = std::array<std::uint32_t, 256>;

constexpr Table make_table(std::uint32_t reflected_polynomial) {
  Table table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? reflected_polynomial : 0);
    table[i] = value;
  }
  return table;
}

constexpr Table kIeeeTable = make_table(0xedb88320);
constexpr Table kCastagnoliTable = make_table(0x82f63b78);

std::uint32_t run(const Table& table, std::string_view bytes) {
  std::uint32_t value = 0xffffffff;
  for (const char c : bytes) value = (value >> 8) ^ table[(value ^ static_cast<unsigned char>(c)) & 0xff];
  return value ^ 0xffffffff;
}

}  // namespace

std::uint32_t crc32(std::string_view bytes) { return run(kIeeeTable, bytes); }
std::uint32_t crc32c(std::string_view bytes) { return run(kCastagnoliTable, bytes); }

}  // namespace reprise::logs
