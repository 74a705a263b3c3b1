#include "assembly_text.h"

#include <algorithm>

#include "assembly_characters.h"
#include "text_normaliser.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

constexpr std::size_t kMinParagraph = 40;   // characters
constexpr double kMinLetterFraction = 0.6;  // of them
constexpr std::string_view kNoBreakSpace = "\xC2\xA0";

/// The blanks that a line may hold more than once: of ASCII alone, so that ideographic spaces stay.
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\f' || c == '\v'; }

void append_blanks_collapsed(std::string_view line, std::string& out) {
  bool in_blanks = false;
  for (const char c : line) {
    const bool blank = is_blank(c);
    if (!blank) out += c;
    if (blank && !in_blanks) out += ' ';
    in_blanks = blank;
  }
}

/// Where a gap between paragraphs ends that starts with the line feed at `position`: behind the last line feed of the
/// white space there. npos when there is only that one.
std::size_t end_of_gap(std::string_view text, std::size_t position) {
  const std::size_t end = skip_space(text, position + 1);
  const std::size_t last = text.substr(0, end).rfind('\n');
  return last == position ? std::string_view::npos : last + 1;
}

bool is_prose(std::string_view paragraph) {
  std::size_t length = 0;
  std::size_t letters = 0;
  for (std::size_t at = 0; at < paragraph.size(); ++length) {
    const Decoded decoded = decode_character(paragraph, at);
    letters += is_letter(decoded.code_point) ? 1 : 0;
    at += decoded.num_bytes;
  }
  return length >= kMinParagraph && static_cast<double>(letters) > kMinLetterFraction * static_cast<double>(length);
}

void append_paragraph(std::string_view paragraph, std::string& out) {
  const std::string line = collapse_space(paragraph);
  const std::string_view stripped = strip(line);
  if (!is_prose(stripped)) return;
  if (!out.empty()) out += '\n';
  out += stripped;
}

}  // namespace

std::size_t num_characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::size_t skip_space(std::string_view text, std::size_t position) {
  while (position < text.size()) {
    const Decoded decoded = decode_character(text, position);
    if (!is_space(decoded.code_point)) break;
    position += decoded.num_bytes;
  }
  return position;
}

bool word_at(std::string_view text, std::size_t position) {
  return position < text.size() && is_word(decode_character(text, position).code_point);
}

std::string_view strip(std::string_view text) {
  text.remove_prefix(skip_space(text, 0));
  while (!text.empty()) {
    std::size_t start = text.size() - 1;
    while ((static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
    if (!is_space(decode_character(text, start).code_point)) break;
    text.remove_suffix(text.size() - start);
  }
  return text;
}

std::string collapse_space(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = skip_space(text, at);
    if (end > at) {
      out += ' ';
      at = end;
      continue;
    }
    const std::size_t length = decode_character(text, at).num_bytes;
    out.append(text.substr(at, length));
    at += length;
  }
  return out;
}

std::vector<std::string_view> lines_between_feeds(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t at = 0;;) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    if (end == std::string_view::npos) return lines;
    at = end + 1;
  }
}

std::string clean_lines(std::string_view text, std::size_t min_characters) {
  const std::string plain = replace_all(replace_all(text, "\r", ""), kNoBreakSpace, " ");
  std::string out;
  std::string line;
  bool first = true;
  for (const std::string_view raw : lines_between_feeds(plain)) {
    line.clear();
    append_blanks_collapsed(raw, line);
    const std::string_view stripped = strip(line);
    if (num_characters(stripped) < min_characters) continue;
    if (!first) out += '\n';
    first = false;
    out += stripped;
  }
  return out;
}

std::string unwrap_paragraphs(std::string_view text) {
  const std::string plain = replace_all(text, "\r", "");
  const std::string_view view = plain;
  std::string out;
  std::size_t start = 0;
  for (std::size_t at = view.find('\n'); at != std::string_view::npos;) {
    const std::size_t end = end_of_gap(view, at);
    if (end == std::string_view::npos) {
      at = view.find('\n', at + 1);
      continue;
    }
    append_paragraph(view.substr(start, at - start), out);
    start = end;
    at = view.find('\n', end);
  }
  append_paragraph(view.substr(start), out);
  return out;
}

std::string decode_text(std::string_view bytes) {
  std::string storage;
  return std::string(well_formed_utf8(bytes, storage));
}

bool is_text(std::string_view bytes) {
  std::string storage;
  return well_formed_utf8(bytes, storage).data() == bytes.data();
}

}  // namespace reprise::data
