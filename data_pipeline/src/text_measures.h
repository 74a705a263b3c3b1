#pragma once
// One text split once: what several rules count is taken on first use and shared. Not thread-safe.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace reprise::data {

/// How a text falls into words.
enum class Splitter {
  kWhiteSpace,  // runs of characters between white space
  kSegments,    // segments of UAX #29 that are not white space, runs of - and of . joined: punctuation marks are words
  kAlphanumerics,  // segments of UAX #29 that begin with a letter or number
};

constexpr std::uint8_t kHasLetter = 1;
constexpr std::uint8_t kHasNumber = 2;
constexpr std::uint8_t kBeginsAlphanumeric = 4;
constexpr std::uint8_t kHasContent = 8;  // something else than white space

struct Word {
  std::string_view text;
  std::uint32_t num_characters = 0;
  std::uint8_t traits = 0;  // kHasLetter...

  bool has(std::uint8_t any_of) const { return (traits & any_of) != 0; }
};

/// Lines or paragraphs that are alike.
struct Duplicates {
  std::uint64_t num_items = 0;
  std::uint64_t num_characters = 0;  // of all items
  std::uint64_t later_items = 0;     // every occurrence but the first
  std::uint64_t later_characters = 0;
  std::uint64_t repeated_items = 0;  // every occurrence of what occurs more than once
  std::uint64_t repeated_characters = 0;
};
Duplicates find_duplicates(const std::vector<std::string_view>& items);

class TextMeasures {
 public:
  /// `text` is well-formed UTF-8 with LF line ends and has to outlive this.
  explicit TextMeasures(std::string_view text) : text_(text) {}

  std::string_view text() const { return text_; }
  std::uint64_t num_characters();
  const std::vector<Word>& words(Splitter splitter);
  /// Characters in all words.
  std::uint64_t word_characters(Splitter splitter);
  const std::vector<std::string_view>& lines();      // not blank
  const std::vector<std::string_view>& all_lines();  // blank ones too
  const Duplicates& duplicate_lines();
  const Duplicates& duplicate_paragraphs();

 private:
  std::string_view text_;
  std::optional<std::uint64_t> num_characters_;
  std::optional<std::vector<Word>> words_[3];
  std::optional<std::vector<std::string_view>> lines_;
  std::optional<std::vector<std::string_view>> all_lines_;
  std::optional<Duplicates> duplicate_lines_;
  std::optional<Duplicates> duplicate_paragraphs_;
};

}  // namespace reprise::data
