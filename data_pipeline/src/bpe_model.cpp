#include "bpe_model.h"

#include <algorithm>
#include <numeric>

#include "unicode_classes.h"

namespace reprise::data {
namespace {

bool stands_for_itself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

std::array<std::uint32_t, 256> make_code_points() {
  std::array<std::uint32_t, 256> code_points{};
  std::uint32_t next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) code_points[byte] = stands_for_itself(byte) ? byte : next++;
  return code_points;
}

const std::array<std::uint32_t, 256>& code_points() {
  static const std::array<std::uint32_t, 256> table = make_code_points();
  return table;
}

/// Byte of each code point below U+0200, or -1.
std::array<int, 0x200> make_bytes() {
  std::array<int, 0x200> bytes{};
  bytes.fill(-1);
  for (int byte = 0; byte < 256; ++byte) bytes[code_points()[static_cast<std::size_t>(byte)]] = byte;
  return bytes;
}

}  // namespace

std::uint32_t code_point_of_byte(std::uint8_t byte) { return code_points()[byte]; }

std::array<std::uint8_t, 256> bytes_by_code_point() {
  std::array<std::uint8_t, 256> bytes{};
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  std::sort(bytes.begin(), bytes.end(),
            [](std::uint8_t a, std::uint8_t b) { return code_point_of_byte(a) < code_point_of_byte(b); });
  return bytes;
}

std::string bytes_to_symbols(std::string_view bytes) {
  std::string symbols;
  for (const char byte : bytes) append_utf8(symbols, code_point_of_byte(static_cast<std::uint8_t>(byte)));
  return symbols;
}

bool symbols_to_bytes(std::string_view symbols, std::string& bytes) {
  static const std::array<int, 0x200> table = make_bytes();
  bytes.clear();
  for (std::size_t position = 0; position < symbols.size();) {
    const Decoded character = decode_character(symbols, position);
    if (character.code_point >= table.size() || table[character.code_point] < 0) return false;
    bytes.push_back(static_cast<char>(table[character.code_point]));
    position += character.num_bytes;
  }
  return true;
}

}  // namespace reprise::data
