#pragma once
// The published filters as named rules (docs/reference/filters.md). A rule measures one value and compares it with one
// threshold. Filters are immutable and thread-safe.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/data_pipeline/corpus.h"

namespace reprise::data {

class TextMeasures;

/// Why a document was dropped.
struct Drop {
  std::string rule;  // "gopher_word_count", "gopher_top_ngrams.2"; the part before the dot is what `disable` names
  double value = 0;
  double threshold = 0;
};

/// What a rule took out of a text that was kept.
struct Edit {
  std::uint64_t num_lines = 0;  // lines removed (c4_citations, dclm_boilerplate: lines shortened; pii: places)
  std::uint64_t num_bytes = 0;
};
using Edits = std::map<std::string, Edit>;  // by rule

/// What one rule found in one text.
struct Measure {
  std::string rule;
  double value = 0;
  double threshold = 0;
  bool at_least = false;  // true: the rule keeps values from the threshold on; false: up to the threshold
  bool kept = true;
};

struct Judgement {
  std::optional<Drop> drop;           // the first rule that drops the text
  std::optional<std::string> edited;  // the text that is left, where the filter changed a text that it keeps
  Edits edits;
  std::vector<Measure> measures;  // of all rules, in their order, when they were asked for
};

class Filter {
 public:
  virtual ~Filter() = default;
  /// Judges a text. `explain`: every rule is measured, not only those up to the first that drops; edits are then
  /// counted for a dropped text too.
  virtual Judgement judge(TextMeasures& text, bool explain) const = 0;

  /// Judges `text`. When it is dropped, `text` and `edits` stay as they were; otherwise `text` may have been edited.
  std::optional<Drop> apply(std::string& text, Edits& edits) const;
};

/// Makes the filter of a rule. Throws kConfig for an unknown name, preset or part.
std::unique_ptr<Filter> make_filter(const configs::FilterRule& rule);

/// Whether a rule is for documents of this kind and language.
bool is_meant(const configs::FilterRule& rule, const Document& document);

/// All filters of a recipe, each for the kinds and languages that it names.
class FilterChain {
 public:
  explicit FilterChain(const configs::DataRecipe& recipe);
  explicit FilterChain(std::span<const configs::FilterRule> rules);

  /// Applies the filters in order; the first that drops the document is returned. A document without text is dropped
  /// as "empty_text", with its number of bytes against 1. When it is dropped, document.text is what that rule judged.
  std::optional<Drop> apply(Document& document, Edits& edits) const;

  /// The same verdict, with the measures of all rules of all filters. A filter that drops the document hands the text
  /// on as it got it.
  Judgement explain(Document& document) const;

 private:
  struct Entry {
    configs::FilterRule rule;
    std::unique_ptr<Filter> filter;
  };
  Judgement judge(Document& document, bool explain) const;

  std::vector<Entry> entries_;
};

}  // namespace reprise::data
