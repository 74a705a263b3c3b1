#include "text_measures.h"

#include <algorithm>
#include <array>

#include "segments.h"
#include "string_numbers.h"
#include "text_units.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

constexpr std::uint8_t traits_of(CharacterClass kind) {
  if (kind == CharacterClass::kSpace) return 0;
  if (kind == CharacterClass::kLetter) return kHasLetter | kHasContent;
  if (kind == CharacterClass::kNumber) return kHasNumber | kHasContent;
  return kHasContent;
}

/// Traits of the ASCII characters, so that the common case needs no decoding. 0 is white space.
std::array<std::uint8_t, 128> make_ascii_traits() {
  std::array<std::uint8_t, 128> traits{};
  for (std::uint32_t c = 0; c < 128; ++c) traits[c] = traits_of(character_class(c));
  return traits;
}
const std::array<std::uint8_t, 128>& ascii_traits() {
  static const std::array<std::uint8_t, 128> traits = make_ascii_traits();
  return traits;
}

/// Reads characters and gathers the traits of a word.
class WordBuilder {
 public:
  explicit WordBuilder(std::string_view text) : text_(text) {}

  /// Traits of the character at `position`, and how many bytes it takes.
  std::uint8_t traits_at(std::size_t position, std::uint32_t& num_bytes) const {
    const auto byte = static_cast<unsigned char>(text_[position]);
    if (byte < 0x80) {
      num_bytes = 1;
      return ascii_[byte];
    }
    const Decoded character = decode_character(text_, position);
    num_bytes = character.num_bytes;
    return traits_of(character_class(character.code_point));
  }

  Word make(std::size_t begin, std::size_t end) const {
    Word word{text_.substr(begin, end - begin), 0, 0};
    for (std::size_t position = begin; position < end;) {
      std::uint32_t num_bytes = 0;
      const std::uint8_t traits = traits_at(position, num_bytes);
      if (position == begin && (traits & (kHasLetter | kHasNumber)) != 0) word.traits |= kBeginsAlphanumeric;
      word.traits |= traits;
      ++word.num_characters;
      position += num_bytes;
    }
    return word;
  }

 private:
  std::string_view text_;
  const std::array<std::uint8_t, 128>& ascii_ = ascii_traits();
};

std::vector<Word> split_at_white_space(std::string_view text) {
  std::vector<Word> words;
  words.reserve(text.size() / 6 + 1);
  const WordBuilder builder(text);
  std::size_t begin = 0;
  Word word;
  const auto flush = [&](std::size_t end) {
    if (end > begin) {
      word.text = text.substr(begin, end - begin);
      words.push_back(word);
    }
    word = Word{};
  };
  for (std::size_t position = 0; position < text.size();) {
    std::uint32_t num_bytes = 0;
    const std::uint8_t traits = builder.traits_at(position, num_bytes);
    if (traits == 0) {
      flush(position);
      begin = position + num_bytes;
    } else {
      if (position == begin && (traits & (kHasLetter | kHasNumber)) != 0) word.traits |= kBeginsAlphanumeric;
      word.traits |= traits;
      ++word.num_characters;
    }
    position += num_bytes;
  }
  flush(text.size());
  return words;
}

/// What a byte at a boundary tells about the segment that begins there, without looking at the tables of UAX #29.
enum class FirstByte : std::uint8_t {
  kOther,  // ask word_segment_end
  kBlank,  // a segment of its own unless white space or something outside of ASCII follows
  kPlain,  // ASCII letter, digit or underscore
  kMark,   // a segment of its own unless something outside of ASCII follows
};

struct Bytes {
  std::array<FirstByte, 256> first{};
  std::array<bool, 256> ends_plain_run{};  // no segment of plain bytes goes on with it
  std::array<bool, 256> may_be_middle{};   // marks that stand inside words and numbers: can't, 3.50
};

Bytes classify_bytes() {
  Bytes bytes;
  for (std::size_t byte = 0; byte < 0x80; ++byte) {
    const auto c = static_cast<char>(byte);
    const std::uint8_t traits = ascii_traits()[byte];
    const bool plain = (traits & (kHasLetter | kHasNumber)) != 0 || c == '_';
    const bool middle = c == '\'' || c == '.' || c == ':' || c == ',' || c == ';';
    bytes.may_be_middle[byte] = middle;
    bytes.ends_plain_run[byte] = !plain && !middle;
    if (plain) bytes.first[byte] = FirstByte::kPlain;
    if (c > ' ' && c < 0x7F && !plain) bytes.first[byte] = FirstByte::kMark;
  }
  bytes.first[' '] = FirstByte::kBlank;
  return bytes;
}

class BoundarySplitter {
 public:
  BoundarySplitter(std::string_view text, std::uint8_t wanted, bool joins_runs)
      : text_(text), builder_(text), wanted_(wanted), joins_runs_(joins_runs) {}

  std::vector<Word> split() {
    words_.reserve(text_.size() / 5 + 1);
    for (std::size_t begin = 0; begin < text_.size();) begin = take(begin);
    return std::move(words_);
  }

 private:
  unsigned char byte_at(std::size_t position) const {
    return position < text_.size() ? static_cast<unsigned char>(text_[position]) : ' ';
  }

  /// Takes the segment that begins at `begin` and returns its end.
  std::size_t take(std::size_t begin) {
    const unsigned char next = byte_at(begin + 1);
    switch (bytes_.first[byte_at(begin)]) {
      case FirstByte::kBlank:
        if (next > ' ' && next < 0x80) return begin + 1;
        break;
      case FirstByte::kMark:
        if (next < 0x80) return take_mark(begin);
        break;
      case FirstByte::kPlain:
        return take_plain(begin);
      case FirstByte::kOther:
        break;
    }
    return take_any(begin);
  }

  std::size_t take_mark(std::size_t begin) {
    std::size_t end = begin + 1;
    const char mark = text_[begin];
    if (joins_runs_ && (mark == '-' || mark == '.')) {
      while (end < text_.size() && text_[end] == mark && byte_at(end + 1) < 0x80) ++end;
    }
    add({text_.substr(begin, end - begin), static_cast<std::uint32_t>(end - begin), kHasContent});
    return end;
  }

  std::size_t take_plain(std::size_t begin) {
    const std::array<std::uint8_t, 128>& traits = ascii_traits_;
    std::uint8_t all = 0;
    std::size_t end = begin;
    while (bytes_.first[byte_at(end)] == FirstByte::kPlain) all |= traits[byte_at(end++)];
    const unsigned char next = byte_at(end);
    // A mark in the middle needs a letter or digit behind it.
    const bool ends =
        bytes_.ends_plain_run[next] || (bytes_.may_be_middle[next] && bytes_.ends_plain_run[byte_at(end + 1)]);
    if (!ends) return take_any(begin);
    const bool alphanumeric = (traits[byte_at(begin)] & (kHasLetter | kHasNumber)) != 0;
    add({text_.substr(begin, end - begin), static_cast<std::uint32_t>(end - begin),
         static_cast<std::uint8_t>(all | (alphanumeric ? kBeginsAlphanumeric : 0))});
    return end;
  }

  std::size_t take_any(std::size_t begin) {
    const std::size_t end = word_segment_end(text_, begin);
    add(builder_.make(begin, end));
    return end;
  }

  void add(const Word& word) {
    if (word.has(wanted_)) words_.push_back(word);
  }

  static const Bytes& classes() {
    static const Bytes bytes = classify_bytes();
    return bytes;
  }

  std::string_view text_;
  WordBuilder builder_;
  std::uint8_t wanted_;
  bool joins_runs_;
  const Bytes& bytes_ = classes();
  const std::array<std::uint8_t, 128>& ascii_traits_ = ascii_traits();
  std::vector<Word> words_;
};

}  // namespace

Duplicates find_duplicates(const std::vector<std::string_view>& items) {
  Duplicates found;
  StringNumbers numbers(items.size());
  std::vector<bool> counted_first;
  for (const std::string_view item : items) {
    const std::uint64_t characters = count_characters(item);
    ++found.num_items;
    found.num_characters += characters;
    const std::uint32_t number = numbers.number_of(item);
    if (number == counted_first.size()) {
      counted_first.push_back(false);
      continue;
    }
    ++found.later_items;
    found.later_characters += characters;
    found.repeated_items += counted_first[number] ? 1 : 2;
    found.repeated_characters += counted_first[number] ? characters : 2 * characters;
    counted_first[number] = true;
  }
  return found;
}

std::uint64_t TextMeasures::num_characters() {
  if (!num_characters_) num_characters_ = count_characters(text_);
  return *num_characters_;
}

const std::vector<Word>& TextMeasures::words(Splitter splitter) {
  std::optional<std::vector<Word>>& words = words_[static_cast<std::size_t>(splitter)];
  if (words) return *words;
  if (splitter == Splitter::kWhiteSpace) {
    words = split_at_white_space(text_);
  } else {
    const bool segments = splitter == Splitter::kSegments;
    words = BoundarySplitter(text_, segments ? kHasContent : kBeginsAlphanumeric, segments).split();
  }
  return *words;
}

std::uint64_t TextMeasures::word_characters(Splitter splitter) {
  std::uint64_t characters = 0;
  for (const Word& word : words(splitter)) characters += word.num_characters;
  return characters;
}

const std::vector<std::string_view>& TextMeasures::lines() {
  if (!lines_) lines_ = non_blank_lines(text_);
  return *lines_;
}

const std::vector<std::string_view>& TextMeasures::all_lines() {
  if (!all_lines_) all_lines_ = split_lines(text_);
  return *all_lines_;
}

const Duplicates& TextMeasures::duplicate_lines() {
  if (!duplicate_lines_) duplicate_lines_ = find_duplicates(lines());
  return *duplicate_lines_;
}

const Duplicates& TextMeasures::duplicate_paragraphs() {
  if (!duplicate_paragraphs_) duplicate_paragraphs_ = find_duplicates(split_paragraphs(text_));
  return *duplicate_paragraphs_;
}

}  // namespace reprise::data
