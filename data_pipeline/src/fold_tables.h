#pragma once
// What word normalisation "v1" makes of a code point. Tables are in the tree, with their Unicode version
// (scripts/generate_fold_tables.py).

#include <array>
#include <cstdint>
#include <span>

namespace reprise::data {

enum class FoldKind : std::uint8_t {
  kKeep,      // belongs to a word as `target`
  kSpace,     // white space, punctuation or a control: ends a word
  kDrop,      // an accent
  kDigit,     // part of a number
  kSolo,      // `target` is a word of its own
  kSequence,  // belongs to a word as fold_sequences()[target]
  kHangul,    // a syllable: belongs to a word as its two or three jamo
};

/// Code points from `first` to `last`; with kKeep and kSolo the targets ascend with them.
struct FoldRange {
  std::uint32_t first;
  std::uint32_t last;
  FoldKind kind;
  std::uint32_t target;
};

/// Code points in order; 0 stands for none.
using FoldSequence = std::array<std::uint32_t, 3>;

/// Unicode version of the tables, such as "14.0.0".
const char* fold_unicode_version();

/// All code points that do not simply stand for themselves, ascending.
std::span<const FoldRange> fold_ranges();
std::span<const FoldSequence> fold_sequences();

}  // namespace reprise::data
