#pragma once
// What decides about a document by itself: its address, its language, the filters.

#include <optional>
#include <vector>

#include "corpus_candidate.h"
#include "corpus_inputs.h"
#include "reprise/configs/config.pb.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/filters.h"
#include "reprise/data_pipeline/language_labels.h"
#include "reprise/data_pipeline/url_lists.h"

namespace reprise::data {

/// Thread-safe.
class DocumentJudge {
 public:
  /// Reads the files that the recipe names. Throws kData where one is not what the recipe says, kCorrupt, kIo.
  DocumentJudge(const configs::DataRecipe& recipe, const BuildOptions& options);

  /// Normalises the text of candidate.document and judges it. Throws kData for a text without a label.
  void judge(Candidate& candidate) const;

  /// The URL lists and labels that were read.
  const std::vector<SideFile>& files() const { return files_; }

 private:
  std::optional<Drop> judge_address(const Document& document) const;
  std::optional<Drop> judge_language(Document& document) const;

  std::vector<SideFile> files_;
  UrlLists url_lists_;
  configs::LanguageLabelling languages_;
  std::optional<LanguageLabels> labels_;
  FilterChain filters_;
};

}  // namespace reprise::data
