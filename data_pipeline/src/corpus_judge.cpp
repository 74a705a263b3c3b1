#include "corpus_judge.h"

#include <algorithm>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/normalise.h"

namespace reprise::data {
namespace {

template <typename Names>
bool holds(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

DocumentJudge::DocumentJudge(const configs::DataRecipe& recipe, const BuildOptions& options)
    : languages_(recipe.languages()), filters_(recipe) {
  for (int i = 0; i < recipe.url_list_size(); ++i) {
    const configs::UrlList& list = recipe.url_list(i);
    url_lists_.add(url_list_kind(list.kind()), options.corpus_dir / list.path());
    files_.push_back(check_side_file("URL list", fmt::format("recipe.data.url_list[{}]", i), list.path(), list.sha256(),
                                     url_lists_.files().back().sha256, options));
  }
  if (!recipe.has_languages()) return;
  const std::filesystem::path path = options.corpus_dir / languages_.path();
  files_.push_back(check_side_file("file of language labels", "recipe.data.languages", languages_.path(),
                                   languages_.sha256(), sha256(read_file(path)), options));
  labels_ = LanguageLabels::read(path);
}

void DocumentJudge::judge(Candidate& candidate) const {
  Document& document = candidate.document;
  candidate.text_read = sha256(std::string_view(document.text));
  candidate.num_bytes_read = document.text.size();
  document.text = normalise_v1(document.text);
  candidate.num_bytes_normalised = document.text.size();
  candidate.drop = judge_address(document);
  if (!candidate.drop) candidate.drop = judge_language(document);
  if (!candidate.drop) candidate.drop = filters_.apply(document, candidate.edits);
}

std::optional<Drop> DocumentJudge::judge_address(const Document& document) const {
  for (const Measure& measure : url_lists_.measure(document.url)) {
    if (!measure.kept) return Drop{measure.rule, measure.value, measure.threshold};
  }
  return std::nullopt;
}

std::optional<Drop> DocumentJudge::judge_language(Document& document) const {
  const bool is_meant = languages_.kind().empty() || holds(languages_.kind(), document.kind);
  if (!labels_ || document.text.empty() || !is_meant) return std::nullopt;
  const LanguageLabel* label = labels_->find(document.text);
  REPRISE_REQUIRE(label != nullptr, ErrorKind::kData,
                  fmt::format("text has no language label in {}: {}:{}", languages_.path(), document.source_file,
                              document.source_line),
                  "label the texts of this recipe again: reprise data label CONFIG");
  if (languages_.replace_lang()) document.language = label->language;
  if (languages_.keep().empty()) return std::nullopt;
  const double share = holds(languages_.keep(), label->language) ? static_cast<double>(label->percent) / 100 : 0.0;
  if (share > 0 && share >= languages_.min_share()) return std::nullopt;
  return Drop{"language", share, languages_.min_share()};
}

}  // namespace reprise::data
