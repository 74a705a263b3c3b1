#pragma once
// The "pre_tokenizer" of a tokenizer.json: steps that cut a text into words, each cutting the pieces of the one before.
// Thread-safety: const use from several threads.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pattern_scanner.h"

namespace reprise::data {

struct SplitStep {
  enum class Kind : std::uint8_t {
    kPattern,         // cuts by `pattern`
    kDigits,          // numbers apart from the rest; each one by itself with `each`
    kLiteral,         // cuts at each `literal`
    kPrefixSpace,     // a space before a piece that does not begin with one
    kMetaspace,       // spaces become `literal`, which is put before the text
    kMetaspaceSplit,  // and begins a new piece wherever it stands
  };
  enum class Literal : std::uint8_t { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext };
  enum class Prepend : std::uint8_t { kNever, kFirst, kAlways };

  Kind kind = Kind::kPattern;
  Pattern pattern = Pattern::kGpt2;
  bool each = false;
  std::string literal;  // not empty where it is used
  Literal behaviour = Literal::kIsolated;
  Prepend prepend = Prepend::kNever;
};

class SplitChain {
 public:
  using Visit = std::function<void(std::string_view)>;

  explicit SplitChain(std::vector<SplitStep> steps);

  /// Whether a text may be cut before a space that follows an ASCII letter without a change of its words: then the
  /// parts can be encoded at the same time.
  bool may_be_cut() const { return may_be_cut_; }

  /// The first such place from `position` (not 0) on, or the end.
  static std::size_t next_cut(std::string_view text, std::size_t position);

  /// Calls visit(word) for every word of well-formed `text`, from left to right; words are not empty and live as long
  /// as the call. `at_start`: nothing stands before `text` in the document.
  template <typename VisitWord>
  void for_each_word(std::string_view text, bool at_start, VisitWord&& visit) const {
    if (steps_.size() == 1 && steps_[0].kind == SplitStep::Kind::kPattern) {
      cut_by_pattern(text, steps_[0].pattern, visit);
    } else {
      cut(text, at_start, 0, visit);
    }
  }

 private:
  template <typename VisitPiece>
  static void cut_by_pattern(std::string_view text, Pattern pattern, VisitPiece&& visit) {
    const PatternScanner scanner(text);
    const auto cut_at = [&](auto&& end_of) {
      for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = end_of(begin);
        visit(text.substr(begin, end - begin));
        begin = end;
      }
    };
    switch (pattern) {
      case Pattern::kGpt2:
        return cut_at([&](std::size_t begin) { return scanner.gpt2_end(begin); });
      case Pattern::kCl100k:
        return cut_at([&](std::size_t begin) { return scanner.cl100k_end(begin, 3); });
      case Pattern::kQwen2:
        return cut_at([&](std::size_t begin) { return scanner.cl100k_end(begin, 1); });
      case Pattern::kO200k:
        return cut_at([&](std::size_t begin) { return scanner.o200k_end(begin, 3, true); });
      case Pattern::kTekken:
        return cut_at([&](std::size_t begin) { return scanner.o200k_end(begin, 1, false); });
      case Pattern::kNumberTriples:
        return cut_at([&](std::size_t begin) { return scanner.numbers_end(begin, 3); });
      case Pattern::kSingleNumbers:
        return cut_at([&](std::size_t begin) { return scanner.numbers_end(begin, 1); });
    }
  }

  /// Cuts `text` by the steps from `index` on.
  void cut(std::string_view text, bool at_start, std::size_t index, const Visit& visit) const;

  std::vector<SplitStep> steps_;
  bool may_be_cut_ = false;
};

}  // namespace reprise::data
