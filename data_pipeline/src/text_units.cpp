#include "text_units.h"

#include <algorithm>
#include <array>

#include "unicode_classes.h"

namespace reprise::data {
namespace {

bool is_space(std::uint32_t code_point) { return character_class(code_point) == CharacterClass::kSpace; }

std::array<CharacterClass, 128> make_ascii_classes() {
  std::array<CharacterClass, 128> classes{};
  for (std::uint32_t c = 0; c < 128; ++c) classes[c] = character_class(c);
  return classes;
}

/// Returns the position of the character that ends before `end`.
std::size_t previous_character(std::string_view text, std::size_t end) {
  std::size_t position = end - 1;
  while (position > 0 && (static_cast<unsigned char>(text[position]) & 0xC0) == 0x80) --position;
  return position;
}

bool ends_sentence(std::uint32_t code_point) {
  return code_point == '.' || code_point == '?' || code_point == '!' || code_point == 0x2026;
}

bool closes_quotation(std::uint32_t code_point) {
  return code_point == '"' || code_point == '\'' || code_point == ')' || code_point == ']' || code_point == 0x2019 ||
         code_point == 0x201D;
}

/// Calls `visit(line)` for every line, the last one too.
template <typename Visit>
void for_each_line(std::string_view text, Visit visit) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    visit(text.substr(begin, end - begin));
    begin = end + 1;
  }
}

}  // namespace

std::uint64_t count_characters(std::string_view text) {
  return static_cast<std::uint64_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0;
  for (std::size_t position = 0; position < text.size();) {
    const Decoded character = decode_character(text, position);
    if (is_space(character.code_point)) {
      if (position > begin) words.push_back(text.substr(begin, position - begin));
      begin = position + character.num_bytes;
    }
    position += character.num_bytes;
  }
  if (text.size() > begin) words.push_back(text.substr(begin));
  return words;
}

std::vector<std::string_view> non_blank_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  for_each_line(text, [&](std::string_view line) {
    if (!trim_end(line).empty()) lines.push_back(line);
  });
  return lines;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  for_each_line(text, [&](std::string_view line) { lines.push_back(line); });
  return lines;
}

std::vector<std::string_view> split_paragraphs(std::string_view text) {
  std::vector<std::string_view> paragraphs;
  const char* begin = nullptr;
  const char* end = nullptr;
  const auto flush = [&] {
    if (begin != nullptr) paragraphs.emplace_back(begin, static_cast<std::size_t>(end - begin));
    begin = nullptr;
  };
  for_each_line(text, [&](std::string_view line) {
    if (trim_end(line).empty()) return flush();
    if (begin == nullptr) begin = line.data();
    end = line.data() + line.size();
  });
  flush();
  return paragraphs;
}

std::uint64_t count_sentences(std::string_view line) {
  static const std::array<CharacterClass, 128> ascii_classes = make_ascii_classes();
  std::uint64_t count = 0;
  bool has_content = false;  // a letter or a number since the last end
  bool ended = false;        // an end mark, and nothing but closing marks after it
  for (std::size_t position = 0; position < line.size();) {
    const auto byte = static_cast<unsigned char>(line[position]);
    const Decoded character = byte < 0x80 ? Decoded{byte, 1} : decode_character(line, position);
    const std::uint32_t code_point = character.code_point;
    position += character.num_bytes;
    const CharacterClass kind = byte < 0x80 ? ascii_classes[byte] : character_class(code_point);
    if (kind == CharacterClass::kLetter || kind == CharacterClass::kNumber) {
      has_content = true;
      ended = false;
      continue;
    }
    if (kind == CharacterClass::kSpace && ended && has_content) {
      ++count;
      has_content = false;
    }
    ended = ends_sentence(code_point) || (ended && closes_quotation(code_point));
  }
  return count + (has_content ? 1 : 0);
}

std::size_t space_length(std::string_view text, std::size_t position) {
  const auto byte = static_cast<unsigned char>(text[position]);
  if (byte < 0x80) return byte == ' ' || (byte >= 0x9 && byte <= 0xD) ? 1 : 0;
  const Decoded character = decode_character(text, position);
  return is_space(character.code_point) ? character.num_bytes : 0;
}

bool has_letter(std::string_view text) {
  for (std::size_t position = 0; position < text.size();) {
    const Decoded character = decode_character(text, position);
    if (character_class(character.code_point) == CharacterClass::kLetter) return true;
    position += character.num_bytes;
  }
  return false;
}

std::string_view trim_end(std::string_view text) {
  while (!text.empty()) {
    const std::size_t last = previous_character(text, text.size());
    if (!is_space(decode_character(text, last).code_point)) break;
    text = text.substr(0, last);
  }
  return text;
}

std::string_view trim(std::string_view text) {
  text = trim_end(text);
  while (!text.empty()) {
    const Decoded first = decode_character(text, 0);
    if (!is_space(first.code_point)) break;
    text.remove_prefix(first.num_bytes);
  }
  return text;
}

std::uint64_t count_occurrences(std::string_view text, std::string_view part) {
  std::uint64_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

}  // namespace reprise::data
