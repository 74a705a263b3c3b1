#include "folded_words.h"

#include "fold_tables.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

constexpr std::uint32_t kNumCodePoints = 0x110000;
constexpr unsigned kKindShift = 24;
constexpr std::uint32_t kTargetMask = (1u << kKindShift) - 1;
constexpr std::uint64_t kWordMultiplier = 0x9E3779B97F4A7C15;   // odd; 2^64 divided by the golden ratio
constexpr std::uint64_t kNgramMultiplier = 0xD1342543DE82EF95;  // odd

// Hangul syllables (Unicode 14, section 3.12).
constexpr std::uint32_t kFirstSyllable = 0xAC00;
constexpr std::uint32_t kLastSyllable = 0xD7A3;
constexpr std::uint32_t kNumVowels = 21;
constexpr std::uint32_t kNumTrailing = 28;

/// One word of kind and target for each code point: a flat table, because texts touch few of its pages.
std::vector<std::uint32_t> make_table() {
  std::vector<std::uint32_t> table(kNumCodePoints);
  const auto entry = [](FoldKind kind, std::uint32_t target) {
    return static_cast<std::uint32_t>(kind) << kKindShift | target;
  };
  for (std::uint32_t c = 0; c < kNumCodePoints; ++c) table[c] = entry(FoldKind::kKeep, c);
  for (std::uint32_t c = kFirstSyllable; c <= kLastSyllable; ++c) table[c] = entry(FoldKind::kHangul, c);
  for (const FoldRange& range : fold_ranges()) {
    const bool ascends = range.kind == FoldKind::kKeep || range.kind == FoldKind::kSolo;
    for (std::uint32_t c = range.first; c <= range.last; ++c) {
      table[c] = entry(range.kind, range.target + (ascends ? c - range.first : 0));
    }
  }
  return table;
}

const std::uint32_t* fold_table() {
  static const std::vector<std::uint32_t> kTable = make_table();
  return kTable.data();
}

/// What may stand between the digits of one number, once.
bool is_number_separator(std::uint32_t c) {
  return c == '.' || c == ',' || c == 0x60C || c == 0x66B || (c >= 0x2396 && c <= 0x2398);
}

Decoded decode_at(std::string_view text, std::size_t position) {
  const auto lead = static_cast<std::uint8_t>(text[position]);
  if (lead < 0x80) return {lead, 1};
  return decode_character(text, position);
}

bool is_digit_at(std::string_view text, std::size_t position) {
  if (position >= text.size()) return false;
  return fold_table()[decode_at(text, position).code_point] >> kKindShift == static_cast<unsigned>(FoldKind::kDigit);
}

/// Returns the end of the number whose first digit stands at `position`: digits, and once a separator with digits.
std::size_t end_of_number(std::string_view text, std::size_t position) {
  bool separated = false;
  while (position < text.size()) {
    const Decoded character = decode_at(text, position);
    const std::size_t next = position + character.num_bytes;
    if (is_digit_at(text, position)) {
      position = next;
    } else if (!separated && is_number_separator(character.code_point) && is_digit_at(text, next)) {
      separated = true;
      position = next;
    } else {
      break;
    }
  }
  return position;
}

template <typename Sink>
void add_syllable(std::uint32_t c, Sink& sink) {
  const std::uint32_t index = c - kFirstSyllable;
  const std::uint32_t trailing = index % kNumTrailing;
  sink.add(0x1100 + index / (kNumVowels * kNumTrailing));
  sink.add(0x1161 + index / kNumTrailing % kNumVowels);
  if (trailing != 0) sink.add(0x11A7 + trailing);
}

/// Adds what is rare; `position` stands behind the character.
template <typename Sink>
void fold_rare(std::string_view text, FoldKind kind, std::uint32_t target, std::size_t& position, Sink& sink) {
  switch (kind) {
    case FoldKind::kDigit:
      position = end_of_number(text, position);
      sink.add('0');
      break;
    case FoldKind::kSolo:
      sink.end_word();
      sink.add(target);
      sink.end_word();
      break;
    case FoldKind::kSequence:
      for (const std::uint32_t c : fold_sequences()[target]) {
        if (c != 0) sink.add(c);
      }
      break;
    case FoldKind::kHangul:
      add_syllable(target, sink);
      break;
    default:
      break;
  }
}

template <typename Sink>
void fold(std::string_view text, Sink& sink) {
  const std::uint32_t* table = fold_table();
  for (std::size_t position = 0; position < text.size();) {
    const Decoded character = decode_at(text, position);
    const std::uint32_t entry = table[character.code_point];
    const auto kind = static_cast<FoldKind>(entry >> kKindShift);
    if (kind == FoldKind::kDigit) {
      fold_rare(text, kind, 0, position, sink);
      continue;
    }
    position += character.num_bytes;
    if (kind == FoldKind::kKeep) {
      sink.add(entry & kTargetMask);
    } else if (kind == FoldKind::kSpace) {
      sink.end_word();
    } else {
      fold_rare(text, kind, entry & kTargetMask, position, sink);
    }
  }
  sink.end_word();
}

class TextSink {
 public:
  explicit TextSink(std::string& text) : text_(text) {}
  void add(std::uint32_t c) {
    if (!in_word_ && !text_.empty()) text_.push_back(' ');
    in_word_ = true;
    append_utf8(text_, c);
  }
  void end_word() { in_word_ = false; }

 private:
  std::string& text_;
  bool in_word_ = false;
};

class HashSink {
 public:
  explicit HashSink(std::vector<std::uint64_t>& hashes) : hashes_(hashes) {}
  void add(std::uint32_t c) { hash_ = (hash_ ^ c) * kWordMultiplier; }
  void end_word() {
    // No letter is 0, and an empty word is the only one whose hash has never moved.
    if (hash_ == kWordMultiplier) return;
    hashes_.push_back(mix_bits(hash_));
    hash_ = kWordMultiplier;
  }

 private:
  std::vector<std::uint64_t>& hashes_;
  std::uint64_t hash_ = kWordMultiplier;
};

}  // namespace

std::string fold_words(std::string_view text) {
  std::string result;
  TextSink sink(result);
  fold(text, sink);
  return result;
}

void hash_words(std::string_view text, std::vector<std::uint64_t>& hashes) {
  hashes.clear();
  HashSink sink(hashes);
  fold(text, sink);
}

// The finaliser of MurmurHash3 (Appleby, public domain).
std::uint64_t mix_bits(std::uint64_t value) {
  value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD;
  value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53;
  return value ^ value >> 33;
}

void hash_ngrams(const std::vector<std::uint64_t>& words, std::size_t length, std::vector<std::uint64_t>& ngrams) {
  ngrams.clear();
  if (words.size() < length || length == 0) return;
  // A polynomial in the multiplier modulo 2^64: the next window costs two products whatever its length.
  std::uint64_t power = 1;
  for (std::size_t i = 1; i < length; ++i) power *= kNgramMultiplier;
  std::uint64_t window = 0;
  for (std::size_t i = 0; i < length; ++i) window = window * kNgramMultiplier + words[i];
  ngrams.reserve(words.size() - length + 1);
  ngrams.push_back(mix_bits(window));
  for (std::size_t i = length; i < words.size(); ++i) {
    window = (window - words[i - length] * power) * kNgramMultiplier + words[i];
    ngrams.push_back(mix_bits(window));
  }
}

std::uint64_t second_ngram_hash(std::span<const std::uint64_t> words) {
  std::uint64_t hash = words.size();
  for (const std::uint64_t word : words) hash = mix_bits(hash ^ word) + kWordMultiplier;
  return hash;
}

}  // namespace reprise::data
