#pragma once
// The published filters as named rules (docs/reference/filters.md). A rule measures one value and compares it with one
// threshold. Filters are immutable and thread-safe.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/data_pipeline/corpus.h"

namespace reprise::data {

/// Why a document was dropped.
struct Drop {
  std::string rule;  // "gopher_word_count", "gopher_top_ngrams.2"; the part before the dot is what `disable` names
  double value = 0;
  double threshold = 0;
};

/// What a rule took out of a text that was kept.
struct Edit {
  std::uint64_t num_lines = 0;  // lines removed (c4_citations: lines shortened)
  std::uint64_t num_bytes = 0;
};
using Edits = std::map<std::string, Edit>;  // by rule

class Filter {
 public:
  virtual ~Filter() = default;
  /// Judges `text`. When it is dropped, `text` and `edits` stay as they were; otherwise `text` may have been edited.
  virtual std::optional<Drop> apply(std::string& text, Edits& edits) const = 0;
};

/// Makes the filter of a rule. Throws kConfig for an unknown name, preset or part.
std::unique_ptr<Filter> make_filter(const configs::FilterRule& rule);

/// All filters of a recipe, each for the kinds and languages that it names.
class FilterChain {
 public:
  explicit FilterChain(const configs::DataRecipe& recipe);

  /// Applies the filters in order; the first that drops the document is returned. A document without text is dropped
  /// as "empty_text", with its number of bytes against 1. When it is dropped, document.text is what that rule judged.
  std::optional<Drop> apply(Document& document, Edits& edits) const;

 private:
  struct Entry {
    configs::FilterRule rule;
    std::unique_ptr<Filter> filter;
  };
  std::vector<Entry> entries_;
};

}  // namespace reprise::data
