#include "dclm_domains.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_set>

#include "unicode_classes.h"

namespace reprise::data {
namespace {

constexpr std::size_t kLongestHost = 256;
constexpr int kMaxBlanks = 10;
constexpr std::string_view kSchemes[] = {"http://", "https://", "ftp://"};

using Bytes = std::array<bool, 256>;

constexpr Bytes letters_digits_and(std::string_view marks) {
  Bytes bytes{};
  for (int c = '0'; c <= '9'; ++c) bytes[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) bytes[static_cast<std::size_t>(c)] = bytes[static_cast<std::size_t>(c - 32)] = true;
  for (const char c : marks) bytes[static_cast<std::uint8_t>(c)] = true;
  return bytes;
}

constexpr Bytes kHost = letters_digits_and("-@:%._+~#=");
constexpr Bytes kPath = letters_digits_and("-()@:%_+.~#?&/=");

bool has(const Bytes& bytes, char c) { return bytes[static_cast<std::uint8_t>(c)]; }

struct Match {
  std::size_t begin;  // behind the blanks
  std::size_t end;
};

/// What Python's \w matches.
bool is_word(std::string_view text, std::size_t position) {
  if (text[position] == '_') return true;
  const CharacterClass c = character_class(decode_character(text, position).code_point);
  return c == CharacterClass::kLetter || c == CharacterClass::kNumber;
}

std::size_t before(std::string_view text, std::size_t position) {
  do --position;
  while ((static_cast<std::uint8_t>(text[position]) & 0xC0) == 0x80);
  return position;
}

/// \b
bool is_boundary(std::string_view text, std::size_t position) {
  const bool left = position > 0 && is_word(text, before(text, position));
  const bool right = position < text.size() && is_word(text, position);
  return left != right;
}

const std::unordered_set<std::string_view>& domains() {
  static const std::unordered_set<std::string_view> set(dclm_domains().begin(), dclm_domains().end());
  return set;
}

std::size_t longest_domain() {
  static const std::size_t longest = std::max_element(dclm_domains().begin(), dclm_domains().end(), [](auto a, auto b) {
                                       return a.size() < b.size();
                                     })->size();
  return longest;
}

/// End of the longest top-level domain at `begin` that ends at a boundary; 0 when there is none.
std::size_t domain_end(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  const std::size_t limit = std::min(text.size(), begin + longest_domain());
  while (end < limit && ((text[end] >= 'a' && text[end] <= 'z') || static_cast<std::uint8_t>(text[end]) >= 0x80)) ++end;
  for (; end > begin; --end) {
    if (domains().contains(text.substr(begin, end - begin)) && is_boundary(text, end)) return end;
  }
  return 0;
}

std::size_t path_end(std::string_view text, std::size_t position) {
  while (position < text.size() && has(kPath, text[position])) ++position;
  return position;
}

/// Where a scheme that ends at `end` begins, not before `floor`; `end` when there is none.
std::size_t scheme_begin(std::string_view text, std::size_t end, std::size_t floor) {
  std::size_t begin = end;
  for (const std::string_view scheme : kSchemes) {
    if (end - floor >= scheme.size() && text.substr(end - scheme.size(), scheme.size()) == scheme) {
      begin = end - scheme.size();
    }
  }
  return begin;
}

/// The next URL from `from` on: at most 256 characters of a host, a dot and a top-level domain. The host begins as far
/// left as it can and reaches as far right as it can.
std::optional<Match> next_url(std::string_view text, std::size_t from) {
  for (std::size_t begin = from; begin < text.size();) {
    if (!has(kHost, text[begin])) {
      ++begin;
      continue;
    }
    std::size_t start = begin;
    std::size_t found = 0;  // end of the last top-level domain within reach
    std::size_t end = begin;
    for (; end < text.size() && has(kHost, text[end]); ++end) {
      if (text[end] != '.' || end == begin) continue;
      if (found > 0 && end > start + kLongestHost) break;
      const std::size_t after = domain_end(text, end + 1);
      if (after == 0) continue;
      if (found == 0) start = std::max(begin, end - std::min(end, kLongestHost));
      found = after;
    }
    if (found > 0) {
      const std::size_t first = start == begin ? scheme_begin(text, begin, from) : start;
      return Match{first, path_end(text, found)};
    }
    begin = end;
  }
  return std::nullopt;
}

/// End of the digits of one part of an IPv4 address, at most three that do not begin with 3 to 9; 0 when there is none.
std::size_t part_end(std::string_view text, std::size_t begin, bool is_last) {
  std::size_t end = begin;
  while (end < text.size() && end < begin + 4 && text[end] >= '0' && text[end] <= '9') ++end;
  if (end == begin) return 0;
  if (is_last) return end;
  if (end - begin > 3 || (end - begin == 3 && text[begin] > '2')) return 0;
  return end < text.size() && text[end] == '.' ? end + 1 : 0;
}

std::optional<Match> next_ip_address(std::string_view text, std::size_t from) {
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    if (text[begin] < '0' || text[begin] > '9') continue;
    std::size_t end = begin;
    for (int part = 0; part < 4 && (part == 0 || end > 0); ++part) end = part_end(text, end, part == 3);
    if (end == 0) continue;
    const std::size_t scheme = scheme_begin(text, begin, from);
    if (scheme < begin && is_boundary(text, scheme)) return Match{scheme, path_end(text, end)};
    if (is_boundary(text, begin)) return Match{begin, path_end(text, end)};
  }
  return std::nullopt;
}

/// What Python's \s matches: white space and four controls.
bool is_blank(std::string_view text, std::size_t position) {
  const Decoded character = decode_character(text, position);
  return character_class(character.code_point) == CharacterClass::kSpace ||
         (character.code_point >= 0x1C && character.code_point <= 0x1F);
}

template <typename Next>
std::string without(std::string_view text, Next&& next) {
  std::string result;
  std::size_t done = 0;
  for (std::optional<Match> match = next(text, 0); match; match = next(text, done)) {
    std::size_t begin = match->begin;
    for (int k = 0; k < kMaxBlanks && begin > done && is_blank(text, before(text, begin)); ++k) {
      begin = before(text, begin);
    }
    result += text.substr(done, begin - done);
    done = match->end;
  }
  return result += text.substr(done);
}

/// Simple lower case in the scripts of the top-level domains that have case, and the two letters that fold to ASCII.
std::uint32_t lower(std::uint32_t c) {
  if ((c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7)) return c + 0x20;
  if (c == 0x17F) return 's';
  if (c == 0x212A) return 'k';
  if (c == 0x389) return 0x3AE;
  if (c >= 0x391 && c <= 0x3A9) return c + 0x20;
  if (c >= 0x410 && c <= 0x42F) return c + 0x20;
  if (c == 0x49A) return c + 1;
  if (c >= 0x531 && c <= 0x556) return c + 0x30;
  if (c >= 0x1C90 && c <= 0x1CBA) return c - 0xBC0;
  return c;
}

}  // namespace

bool begins_with_domain(std::string_view text) {
  std::string start;
  for (std::size_t position = 0; position < text.size() && start.size() < longest_domain();) {
    const Decoded character = decode_character(text, position);
    append_utf8(start, lower(character.code_point));
    position += character.num_bytes;
  }
  for (std::size_t size = 1; size <= start.size(); ++size) {
    if (domains().contains(std::string_view(start).substr(0, size))) return true;
  }
  return false;
}

std::string without_urls(std::string_view text) { return without(text, next_url); }
std::string without_ip_addresses(std::string_view text) { return without(text, next_ip_address); }

}  // namespace reprise::data
