#include <vector>

#include "break_tables.h"

namespace reprise::data {
namespace {

/// One byte per code point: a megabyte, of which a text touches a few pages.
std::vector<std::uint8_t> expand(std::span<const std::uint32_t> runs) {
  std::vector<std::uint8_t> values;
  values.reserve(0x110000);
  for (const std::uint32_t run : runs) values.insert(values.end(), run >> 8, static_cast<std::uint8_t>(run & 0xFF));
  return values;
}

}  // namespace

const std::uint8_t* word_break_values() {
  static const std::vector<std::uint8_t> values = expand(word_break_runs());
  return values.data();
}

const std::uint8_t* sentence_break_values() {
  static const std::vector<std::uint8_t> values = expand(sentence_break_runs());
  return values.data();
}

}  // namespace reprise::data
