#include "message_catalogue.h"

#include <optional>
#include <set>
#include <vector>

#include "assembly_characters.h"
#include "assembly_text.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

constexpr std::size_t kMinMessage = 25;  // characters
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

struct Entry {
  std::string_view keyword;
  std::string text;
  bool fuzzy = false;
};

/// \n and \t become what they stand for; of other escapes the character behind the backslash stays.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    ++i;
    out += text[i] == 'n' ? '\n' : text[i] == 't' ? '\t' : text[i];
  }
  return out;
}

/// Where "[3]" at `position` ends; `position` when it is not there.
std::size_t skip_plural_index(std::string_view line, std::size_t position) {
  if (position >= line.size() || line[position] != '[') return position;
  std::size_t at = position + 1;
  while (at < line.size()) {
    const Decoded decoded = decode_character(line, at);
    if (!is_decimal(decoded.code_point)) break;
    at += decoded.num_bytes;
  }
  return at > position + 1 && at < line.size() && line[at] == ']' ? at + 1 : position;
}

struct Message {
  std::string_view keyword;
  std::string_view quoted;  // between the quotes, as written
};

/// Reads `msgid "text"`, `msgid_plural`, `msgctxt`, `msgstr`, `msgstr[1]`.
std::optional<Message> read_message(std::string_view line) {
  constexpr std::string_view kKeywords[] = {"msgid_plural", "msgid", "msgstr", "msgctxt"};
  for (const std::string_view keyword : kKeywords) {
    if (!line.starts_with(keyword)) continue;
    const std::size_t end = keyword == "msgstr" ? skip_plural_index(line, keyword.size()) : keyword.size();
    const std::size_t quote = skip_space(line, end);
    if (quote == end || quote >= line.size() || line[quote] != '"') continue;
    if (line.size() < quote + 2 || line.back() != '"') continue;
    return Message{line.substr(0, end), line.substr(quote + 1, line.size() - quote - 2)};
  }
  return std::nullopt;
}

/// A line of a message without its first and last character, which are quotes when the file is in order.
std::string_view without_ends(std::string_view line) {
  std::size_t end = line.size() - 1;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;
  return end > 1 ? line.substr(1, end - 1) : std::string_view();
}

std::vector<Entry> read_entries(std::string_view catalogue) {
  std::vector<Entry> entries;
  bool fuzzy = false;
  for (const std::string_view line : lines_between_feeds(catalogue)) {
    if (line.starts_with("#,") && line.find("fuzzy") != std::string_view::npos) fuzzy = true;
    if (const std::optional<Message> message = read_message(line)) {
      entries.push_back({message->keyword, unescape(message->quoted), fuzzy});
      // A plural form does not end the entry; the next plain translation does.
      fuzzy = fuzzy && message->keyword != "msgstr";
    } else if (line.starts_with('"') && !entries.empty()) {
      entries.back().text += unescape(without_ends(line));
    }
  }
  return entries;
}

/// Where a printf placeholder at the '%' ends: "%s", "%-5.2f", "%(name)d"; npos when there is none.
std::size_t end_of_placeholder(std::string_view text, std::size_t percent) {
  std::size_t at = percent + 1;
  if (at < text.size() && text[at] == '(') {
    at = text.find(')', at);
    if (at == std::string_view::npos) return at;
    ++at;
  }
  while (at < text.size() && std::string_view("-#0123456789.").find(text[at]) != std::string_view::npos) ++at;
  const bool found = at < text.size() && std::string_view("sdifr").find(text[at]) != std::string_view::npos;
  return found ? at + 1 : std::string_view::npos;
}

std::string without_placeholders(std::string_view text) {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t percent = text.find('%'); percent != std::string_view::npos;) {
    const std::size_t end = end_of_placeholder(text, percent);
    if (end == std::string_view::npos) {
      percent = text.find('%', percent + 1);
      continue;
    }
    out.append(text.substr(copied, percent - copied)).append(kEllipsis);
    copied = end;
    percent = text.find('%', end);
  }
  return out.append(text.substr(copied));
}

}  // namespace

std::string catalogue_text(std::string_view catalogue) {
  std::set<std::string> seen;
  std::string original;
  std::string out;
  bool first = true;
  for (const Entry& entry : read_entries(catalogue)) {
    if (entry.keyword == "msgid") original = entry.text;
    if (!entry.keyword.starts_with("msgstr") || original.empty() || entry.fuzzy || strip(entry.text).empty()) continue;
    if (num_characters(entry.text) < kMinMessage || entry.text == original || seen.contains(entry.text)) continue;
    const std::string message = without_placeholders(entry.text);
    seen.insert(message);
    const std::string line = collapse_space(message);
    if (!first) out += '\n';
    first = false;
    out += strip(line);
  }
  return out;
}

}  // namespace reprise::data
