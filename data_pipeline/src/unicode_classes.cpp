#include "unicode_classes.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <vector>

namespace reprise::data {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// One byte per code point: a megabyte, of which a text touches a few pages.
std::vector<CharacterClass> expand_ranges() {
  std::vector<CharacterClass> classes(0x110000, CharacterClass::kOther);
  for (const ClassRange& range : class_ranges()) {
    std::fill(classes.begin() + range.first, classes.begin() + range.last + 1, range.character_class);
  }
  return classes;
}

/// What the lead byte of a sequence demands of the next bytes (Unicode 16, table 3-7).
struct LeadByte {
  int num_trailing = -1;  // -1: not a lead byte
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xBF;  // bounds of the second byte
};

LeadByte lead_byte(std::uint8_t byte) {
  if (byte < 0x80) return {0, 0, 0};
  if (byte >= 0xC2 && byte <= 0xDF) return {1, 0x80, 0xBF};
  if (byte == 0xE0) return {2, 0xA0, 0xBF};
  if (byte == 0xED) return {2, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {2, 0x80, 0xBF};
  if (byte == 0xF0) return {3, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {3, 0x80, 0xBF};
  if (byte == 0xF4) return {3, 0x80, 0x8F};
  return {};
}

/// Returns the length of the longest prefix at `position` that is a character or the beginning of one (at least 1),
/// and in `complete` whether it is a whole character.
std::size_t measure_sequence(std::string_view text, std::size_t position, bool& complete) {
  const LeadByte lead = lead_byte(static_cast<std::uint8_t>(text[position]));
  complete = lead.num_trailing == 0;
  std::size_t length = 1;
  for (int k = 0; k < lead.num_trailing; ++k, ++length) {
    if (position + length >= text.size()) return length;
    const auto byte = static_cast<std::uint8_t>(text[position + length]);
    const bool allowed = k == 0 ? byte >= lead.low && byte <= lead.high : byte >= 0x80 && byte <= 0xBF;
    if (!allowed) return length;
  }
  complete = lead.num_trailing >= 0;
  return length;
}

}  // namespace

const CharacterClass* character_class_table() {
  static const std::vector<CharacterClass> classes = expand_ranges();
  return classes.data();
}

CharacterClass character_class(std::uint32_t code_point) { return character_class_table()[code_point]; }

std::string_view well_formed_utf8(std::string_view text, std::string& storage) {
  if (simdjson::validate_utf8(text.data(), text.size())) return text;
  storage.clear();
  storage.reserve(text.size() + text.size() / 8);
  for (std::size_t position = 0; position < text.size();) {
    bool complete = false;
    const std::size_t length = measure_sequence(text, position, complete);
    storage.append(complete ? text.substr(position, length) : kReplacement);
    position += length;
  }
  return storage;
}

void append_utf8(std::string& text, std::uint32_t code_point) {
  const auto add = [&](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    add(code_point);
  } else if (code_point < 0x800) {
    add(0xC0 | code_point >> 6);
    add(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    add(0xE0 | code_point >> 12);
    add(0x80 | (code_point >> 6 & 0x3F));
    add(0x80 | (code_point & 0x3F));
  } else {
    add(0xF0 | code_point >> 18);
    add(0x80 | (code_point >> 12 & 0x3F));
    add(0x80 | (code_point >> 6 & 0x3F));
    add(0x80 | (code_point & 0x3F));
  }
}

}  // namespace reprise::data
