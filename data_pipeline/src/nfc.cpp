#include "nfc.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "tokenizer_tables.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

// Hangul syllables are computed (Unicode, section 3.12).
constexpr std::uint32_t kSyllables = 0xAC00;
constexpr std::uint32_t kLeads = 0x1100;
constexpr std::uint32_t kVowels = 0x1161;
constexpr std::uint32_t kTrails = 0x11A7;
constexpr std::uint32_t kNumLeads = 19;
constexpr std::uint32_t kNumVowels = 21;
constexpr std::uint32_t kNumTrails = 28;
constexpr std::uint32_t kNumSyllables = kNumLeads * kNumVowels * kNumTrails;

/// Every character below is in form C, whatever stands beside it.
constexpr std::uint32_t kFirstAffected = 0x300;
constexpr unsigned char kFirstAffectedLead = 0xCC;

struct CodePoint {
  std::uint32_t value;
  std::uint8_t combining_class;
};

class Tables {
 public:
  static const Tables& instance() {
    static const Tables tables;
    return tables;
  }

  std::uint8_t combining_class(std::uint32_t c) const { return classes_[c]; }

  /// Whether the character may change, by itself or with one before it (quick check "no" or "maybe").
  bool may_change(std::uint32_t c) const { return may_change_[c]; }

  /// The composite of a pair, or 0.
  std::uint32_t compose(std::uint32_t first, std::uint32_t second) const {
    if (first >= kLeads && first < kLeads + kNumLeads && second >= kVowels && second < kVowels + kNumVowels) {
      return kSyllables + ((first - kLeads) * kNumVowels + (second - kVowels)) * kNumTrails;
    }
    const bool open_syllable =
        first >= kSyllables && first < kSyllables + kNumSyllables && (first - kSyllables) % kNumTrails == 0;
    if (open_syllable && second > kTrails && second < kTrails + kNumTrails) return first + (second - kTrails);
    const auto entry = compositions_.find(static_cast<std::uint64_t>(first) << 32 | second);
    return entry == compositions_.end() ? 0 : entry->second;
  }

  void decompose(std::uint32_t c, std::vector<CodePoint>& output) const {
    if (c >= kSyllables && c < kSyllables + kNumSyllables) {
      const std::uint32_t index = c - kSyllables;
      output.push_back({kLeads + index / (kNumVowels * kNumTrails), 0});
      output.push_back({kVowels + index / kNumTrails % kNumVowels, 0});
      if (index % kNumTrails != 0) output.push_back({kTrails + index % kNumTrails, 0});
      return;
    }
    const auto entry = decompositions_.find(c);
    if (entry == decompositions_.end()) {
      output.push_back({c, classes_[c]});
      return;
    }
    decompose(entry->second.first, output);
    if (entry->second.second != 0) decompose(entry->second.second, output);
  }

 private:
  Tables() : classes_(0x110000), may_change_(0x110000) {
    for (const CombiningRange& range : combining_ranges()) {
      std::fill(classes_.begin() + range.first, classes_.begin() + range.last + 1, range.combining_class);
    }
    for (const Decomposition& row : decompositions()) {
      decompositions_[row.code_point] = row;
      may_change_[row.code_point] = true;
    }
    for (const Composition& row : compositions()) {
      compositions_[static_cast<std::uint64_t>(row.first) << 32 | row.second] = row.composite;
      may_change_[row.composite] = false;
    }
    for (const Composition& row : compositions()) may_change_[row.second] = true;
    for (std::uint32_t k = 0; k < kNumVowels; ++k) may_change_[kVowels + k] = true;
    for (std::uint32_t k = 1; k < kNumTrails; ++k) may_change_[kTrails + k] = true;
  }

  std::vector<std::uint8_t> classes_;
  std::vector<bool> may_change_;
  std::unordered_map<std::uint32_t, Decomposition> decompositions_;
  std::unordered_map<std::uint64_t, std::uint32_t> compositions_;
};

/// The quick check of UAX #15, section 9: true means that `text` is in form C for sure.
bool surely_composed(std::string_view text, const Tables& tables) {
  std::uint8_t previous = 0;
  for (std::size_t position = 0; position < text.size();) {
    if (static_cast<unsigned char>(text[position]) < kFirstAffectedLead) {
      previous = 0;
      ++position;  // also over trailing bytes, which are smaller than any lead byte
      continue;
    }
    const Decoded character = decode_character(text, position);
    position += character.num_bytes;
    const std::uint8_t combining_class = tables.combining_class(character.code_point);
    if (combining_class != 0 && combining_class < previous) return false;
    if (tables.may_change(character.code_point)) return false;
    previous = combining_class;
  }
  return true;
}

/// Puts each run of marks in the order of their classes.
void reorder(std::vector<CodePoint>& characters) {
  const auto is_starter = [](const CodePoint& c) { return c.combining_class == 0; };
  for (auto begin = characters.begin(); begin != characters.end();) {
    begin = std::find_if_not(begin, characters.end(), is_starter);
    const auto end = std::find_if(begin, characters.end(), is_starter);
    std::stable_sort(begin, end,
                     [](const CodePoint& a, const CodePoint& b) { return a.combining_class < b.combining_class; });
    begin = end;
  }
}

/// Joins each character with the last starter unless something of the same or a higher class stands between them.
void compose(std::vector<CodePoint>& characters, const Tables& tables) {
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t starter = kNone;
  std::size_t kept = 0;
  for (const CodePoint character : characters) {
    if (starter != kNone) {
      const bool adjacent = starter + 1 == kept;
      const bool blocked = !adjacent && characters[kept - 1].combining_class >= character.combining_class;
      const std::uint32_t composite = blocked ? 0 : tables.compose(characters[starter].value, character.value);
      if (composite != 0) {
        characters[starter].value = composite;
        continue;
      }
    }
    if (character.combining_class == 0) starter = kept;
    characters[kept++] = character;
  }
  characters.resize(kept);
}

}  // namespace

std::string_view nfc(std::string_view text, std::string& storage) {
  const Tables& tables = Tables::instance();
  if (surely_composed(text, tables)) return text;
  storage.clear();
  storage.reserve(text.size());
  std::vector<CodePoint> characters;
  for (std::size_t position = 0; position < text.size();) {
    // A piece runs up to a character that nothing before it can change: pieces are independent of each other.
    characters.clear();
    do {
      const Decoded character = decode_character(text, position);
      position += character.num_bytes;
      tables.decompose(character.code_point, characters);
      if (position == text.size()) break;
      const std::uint32_t next = decode_character(text, position).code_point;
      if (next < kFirstAffected || (tables.combining_class(next) == 0 && !tables.may_change(next))) break;
    } while (true);
    reorder(characters);
    compose(characters, tables);
    for (const CodePoint& character : characters) append_utf8(storage, character.value);
  }
  return storage;
}

}  // namespace reprise::data
