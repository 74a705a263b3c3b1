#pragma once
// Places in a text that look like an e-mail address, an IPv4 address or a phone number of North America. What exactly
// is taken for one: docs/reference/filters.md. All searches take time in proportion to the text.

#include <cstddef>
#include <string_view>
#include <vector>

namespace reprise::data {

struct PiiSpan {
  std::size_t begin = 0;
  std::size_t size = 0;
};

/// Spans from left to right that do not overlap.
std::vector<PiiSpan> find_emails(std::string_view text);
std::vector<PiiSpan> find_ip_addresses(std::string_view text);
std::vector<PiiSpan> find_phone_numbers(std::string_view text);

/// Whether an IPv4 address found above can be reached from everywhere: no private, shared, loopback, link-local,
/// documentation, benchmarking or reserved range, and no number with a leading zero.
bool is_public_ip(std::string_view address);

}  // namespace reprise::data
