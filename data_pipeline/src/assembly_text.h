#pragma once
// Text as the corpus assembler handles it: white space, lines and paragraphs. What counts as white space, and how long
// a text is, are Python's: Unicode characters (assembly_characters.h). Texts are well-formed UTF-8. Pure; thread-safe.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::data {

/// Characters, not bytes.
std::size_t num_characters(std::string_view text);

/// Where the white space that starts at `position` ends.
std::size_t skip_space(std::string_view text, std::size_t position);

/// Whether the character at `position` is a word character; false at the end.
bool word_at(std::string_view text, std::size_t position);

/// Without white space on both sides.
std::string_view strip(std::string_view text);

/// Every run of white space becomes one space.
std::string collapse_space(std::string_view text);

/// The parts of `text` between line feeds.
std::vector<std::string_view> lines_between_feeds(std::string_view text);

/// Lines without carriage returns, with single spaces, stripped; lines shorter than `min_characters` go.
std::string clean_lines(std::string_view text, std::size_t min_characters);

/// Paragraphs, parted by blank lines, as one line each; those shorter than 40 characters or with letters for 60 % of
/// their characters or less go: tables, listings, rules.
std::string unwrap_paragraphs(std::string_view text);

/// `bytes` as text: each maximal ill-formed sequence becomes U+FFFD.
std::string decode_text(std::string_view bytes);

/// Whether `bytes` is well-formed UTF-8.
bool is_text(std::string_view bytes);

}  // namespace reprise::data
