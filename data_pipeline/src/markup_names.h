#pragma once
// Names of elements in markup; A to Z and a to z are the same there. Texts are well-formed UTF-8. Pure; thread-safe.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace reprise::data {

/// Where `name`, which is written in lower case, ends when it stands at `position`; npos when it does not.
std::size_t match_name(std::string_view text, std::size_t position, std::string_view name);

/// The one of `names` that stands at `position` with no word character behind it, and where it ends.
struct NameMatch {
  std::size_t index;
  std::size_t end;
};
std::optional<NameMatch> match_any_name(std::string_view text, std::size_t position,
                                        std::span<const std::string_view> names);

/// Whether white space may stand before the '>' of a closing tag.
enum class ClosingSpace : std::uint8_t { kNone, kAllowed };

/// Where the first closing tag "</name>" at or behind `position` ends; npos when there is none.
std::size_t end_of_closing_tag(std::string_view text, std::size_t position, std::string_view name, ClosingSpace space);

/// Text without "<...>".
std::string without_tags(std::string_view text);

}  // namespace reprise::data
