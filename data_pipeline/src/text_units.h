#pragma once
// What the filters count: characters, words, lines, paragraphs, sentences (docs/reference/filters.md). All texts are
// well-formed UTF-8 with LF line ends; views point into the text.

#include <cstdint>
#include <string_view>
#include <vector>

namespace reprise::data {

/// Number of code points.
std::uint64_t count_characters(std::string_view text);

/// Runs of characters between Unicode white space, in order.
std::vector<std::string_view> split_words(std::string_view text);

/// Lines that are not blank, without their line feed, in order.
std::vector<std::string_view> non_blank_lines(std::string_view text);

/// All lines, blank ones too, without their line feed; a text without line feed is one.
std::vector<std::string_view> split_lines(std::string_view text);

/// Runs of lines between blank lines, in order, from the first character to the last of each run.
std::vector<std::string_view> split_paragraphs(std::string_view text);

/// Sentences of one line: each ends with a run of . ? ! or the ellipsis, with closing quotes and brackets, before white
/// space or the end; the rest is one too. A sentence without letter or number does not count.
std::uint64_t count_sentences(std::string_view line);

/// Number of bytes of the white-space character at `position`; 0 when the character there is none.
std::size_t space_length(std::string_view text, std::size_t position);

/// True when some character has general category L.
bool has_letter(std::string_view text);

/// Removes Unicode white space at the end, or at both ends.
std::string_view trim_end(std::string_view text);
std::string_view trim(std::string_view text);

/// Number of occurrences of `part`, from left to right, that do not overlap.
std::uint64_t count_occurrences(std::string_view text, std::string_view part);

}  // namespace reprise::data
