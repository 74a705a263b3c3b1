#include "pii_spans.h"

#include <array>
#include <cstdint>

#include "text_units.h"

namespace reprise::data {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool is_atom(char c) {
  return is_alphanumeric(c) || std::string_view("!#$%&'*+/=?^_`{|}~-").find(c) != std::string_view::npos;
}

/// Where the local part of an address begins whose @ is at `at`; `at` when there is none.
std::size_t begin_of_local_part(std::string_view text, std::size_t at, std::size_t from) {
  std::size_t begin = at;
  while (begin > from) {
    const char c = text[begin - 1];
    const bool dot = c == '.' && begin < at && text[begin] != '.';
    if (!is_atom(c) && !dot) break;
    --begin;
  }
  while (begin < at && !is_alphanumeric(text[begin]) && text[begin] != '_') ++begin;
  return begin;
}

/// Where the domain behind `begin` ends: labels of letters, digits and inner hyphens, at least two, with dots between.
/// `begin` when there is none.
std::size_t end_of_domain(std::string_view text, std::size_t begin) {
  std::size_t end = begin;  // of the last whole label
  int num_labels = 0;
  for (std::size_t position = begin; position < text.size() && is_alphanumeric(text[position]); ++num_labels) {
    while (position < text.size() && (is_alphanumeric(text[position]) || text[position] == '-')) {
      if (is_alphanumeric(text[position])) end = position + 1;
      ++position;
    }
    if (end != position || position >= text.size() || text[position] != '.') {
      ++num_labels;
      break;
    }
    ++position;
  }
  return num_labels >= 2 ? end : begin;
}

/// Reads one to three digits up to 255 at `position` and goes behind them.
bool read_octet(std::string_view text, std::size_t& position, unsigned& value) {
  const std::size_t begin = position;
  value = 0;
  while (position < text.size() && position - begin < 3 && is_digit(text[position])) {
    value = value * 10 + static_cast<unsigned>(text[position++] - '0');
  }
  return position > begin && value <= 255;
}

/// Returns where the address ends that begins at `begin`, or `begin`.
std::size_t end_of_ip(std::string_view text, std::size_t begin, std::array<unsigned, 4>& octets) {
  std::size_t position = begin;
  for (std::size_t k = 0; k < octets.size(); ++k) {
    if (k > 0 && (position >= text.size() || text[position++] != '.')) return begin;
    if (!read_octet(text, position, octets[k])) return begin;
  }
  const bool more_digits = position < text.size() && is_digit(text[position]);
  const bool more_parts = position + 1 < text.size() && text[position] == '.' && is_digit(text[position + 1]);
  return more_digits || more_parts ? begin : position;
}

bool skip_digits(std::string_view text, std::size_t& position, std::size_t count) {
  for (std::size_t k = 0; k < count; ++k) {
    if (position >= text.size() || !is_digit(text[position])) return false;
    ++position;
  }
  return true;
}

bool is_separator(char c) { return c == '-' || c == '.' || c == ' '; }

/// Returns where the number ends that begins at `begin`, or `begin`.
std::size_t end_of_phone(std::string_view text, std::size_t begin) {
  constexpr std::size_t kMaxSeparators = 3;
  std::size_t position = begin;
  if (text[position] == '(') ++position;
  if (!skip_digits(text, position, 3)) return begin;
  if (position < text.size() && text[position] == ')') ++position;
  for (std::size_t k = 0; k < kMaxSeparators && position < text.size() && is_separator(text[position]); ++k) ++position;
  if (!skip_digits(text, position, 3)) return begin;
  if (position < text.size() && is_separator(text[position])) ++position;
  if (!skip_digits(text, position, 4)) return begin;
  return position < text.size() && is_digit(text[position]) ? begin : position;
}

}  // namespace

std::vector<PiiSpan> find_emails(std::string_view text) {
  std::vector<PiiSpan> spans;
  std::size_t from = 0;  // behind the last address
  for (std::size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    const std::size_t begin = begin_of_local_part(text, at, from);
    if (begin == at) continue;
    const std::size_t end = end_of_domain(text, at + 1);
    if (end == at + 1) continue;
    spans.push_back({begin, end - begin});
    from = end;
  }
  return spans;
}

std::vector<PiiSpan> find_ip_addresses(std::string_view text) {
  std::vector<PiiSpan> spans;
  for (std::size_t position = 0; position < text.size();) {
    const bool inside = position > 0 && (is_digit(text[position - 1]) || text[position - 1] == '.');
    if (inside || !is_digit(text[position])) {
      ++position;
      continue;
    }
    std::array<unsigned, 4> octets{};
    const std::size_t end = end_of_ip(text, position, octets);
    if (end > position) spans.push_back({position, end - position});
    position = end > position ? end : position + 1;
  }
  return spans;
}

std::vector<PiiSpan> find_phone_numbers(std::string_view text) {
  std::vector<PiiSpan> spans;
  bool behind_space = true;
  for (std::size_t position = 0; position < text.size();) {
    const std::size_t space = space_length(text, position);
    if (behind_space && (is_digit(text[position]) || text[position] == '(')) {
      const std::size_t end = end_of_phone(text, position);
      if (end > position) {
        spans.push_back({position, end - position});
        position = end;
        behind_space = false;
        continue;
      }
    }
    behind_space = space > 0;
    do ++position;
    while (position < text.size() && (static_cast<unsigned char>(text[position]) & 0xC0) == 0x80);
  }
  return spans;
}

bool is_public_ip(std::string_view address) {
  std::array<unsigned, 4> octets{};
  if (end_of_ip(address, 0, octets) != address.size()) return false;
  for (std::size_t i = 0; i + 1 < address.size(); ++i) {
    const bool first = i == 0 || address[i - 1] == '.';
    if (first && address[i] == '0' && is_digit(address[i + 1])) return false;
  }
  struct Range {
    std::uint32_t network;
    int num_bits;
  };
  // RFC 6890 and its registry: what is not reachable from everywhere.
  constexpr std::array<Range, 13> kLocal = {{{0x00000000, 8},
                                             {0x0A000000, 8},
                                             {0x64400000, 10},
                                             {0x7F000000, 8},
                                             {0xA9FE0000, 16},
                                             {0xAC100000, 12},
                                             {0xC0000000, 24},
                                             {0xC0000200, 24},
                                             {0xC0A80000, 16},
                                             {0xC6120000, 15},
                                             {0xC6336400, 24},
                                             {0xCB007100, 24},
                                             {0xF0000000, 4}}};
  const std::uint32_t value = octets[0] << 24 | octets[1] << 16 | octets[2] << 8 | octets[3];
  for (const Range& range : kLocal) {
    if (((value ^ range.network) >> (32 - range.num_bits)) == 0) return false;
  }
  return true;
}

}  // namespace reprise::data
