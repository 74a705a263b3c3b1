#pragma once
// Unicode tables of the parts of a tokenizer.json other than its patterns, each of the version that the reference
// library (Hugging Face tokenizers 0.23.3) has there. Patterns use unicode_classes.h.

#include <cstdint>
#include <span>

namespace reprise::data {

struct CodePointRange {
  std::uint32_t first;
  std::uint32_t last;
};

struct CombiningRange {
  std::uint32_t first;
  std::uint32_t last;
  std::uint8_t combining_class;  // not 0
};

/// Canonical; `second` is 0 for a singleton. The parts may have decompositions themselves. Hangul is not listed.
struct Decomposition {
  std::uint32_t code_point;
  std::uint32_t first;
  std::uint32_t second;
};

/// A primary composite, ordered by (first, second). Hangul is not listed.
struct Composition {
  std::uint32_t first;
  std::uint32_t second;
  std::uint32_t composite;
};

/// What \w matches: Unicode 16.0.
std::span<const CodePointRange> word_ranges();

/// What the pre-tokeniser Digits calls numeric (categories N*): Unicode 17.0.
std::span<const CodePointRange> numeric_ranges();

/// NFC: Unicode 9.0.
std::span<const CombiningRange> combining_ranges();
std::span<const Decomposition> decompositions();
std::span<const Composition> compositions();

}  // namespace reprise::data
