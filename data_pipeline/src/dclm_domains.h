#pragma once
// Addresses in texts as DCLM finds them; docs/reference/filters.md, dclm_urls.

#include <span>
#include <string>
#include <string_view>

namespace reprise::data {

/// Top-level domains, in the order of their code points.
std::span<const std::string_view> dclm_domains();

/// Whether `text` begins with a top-level domain in any case, such as "It" and "Comfort".
bool begins_with_domain(std::string_view text);

/// `text` without what looks like a URL by its top-level domain, and without up to ten blanks before each.
std::string without_urls(std::string_view text);

/// The same for URLs of an IPv4 address.
std::string without_ip_addresses(std::string_view text);

}  // namespace reprise::data
