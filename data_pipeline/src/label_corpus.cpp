#include "reprise/data_pipeline/label_corpus.h"

#include <algorithm>

#include "corpus_inputs.h"
#include "document_reader.h"
#include "reprise/core/thread_count.h"
#include "reprise/core/thread_pool.h"
#include "reprise/data_pipeline/normalise.h"

namespace reprise::data {
namespace {

constexpr std::size_t kBatchBytes = std::size_t{8} << 20;

/// Labels texts in batches, each on several threads.
class Labeller {
 public:
  Labeller(const LanguageDetector& detector, int num_threads)
      : detector_(detector), pool_(num_threads), labels_(detector.identity()) {}

  void add(std::string text) {
    num_bytes_ += text.size();
    texts_.push_back(std::move(text));
    if (num_bytes_ >= kBatchBytes) label_batch();
  }

  LanguageLabels finish() {
    label_batch();
    return std::move(labels_);
  }

 private:
  void label_batch() {
    std::vector<LanguageLabel> found(texts_.size());
    pool_.parallel_for(static_cast<std::int64_t>(texts_.size()), [&](std::int64_t i) {
      const auto k = static_cast<std::size_t>(i);
      texts_[k] = normalise_v1(texts_[k]);
      if (!texts_[k].empty()) found[k] = detector_.detect(texts_[k]);
    });
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      if (!texts_[i].empty()) labels_.add(texts_[i], std::move(found[i]));
    }
    texts_.clear();
    num_bytes_ = 0;
  }

  const LanguageDetector& detector_;
  ThreadPool pool_;
  LanguageLabels labels_;
  std::vector<std::string> texts_;
  std::size_t num_bytes_ = 0;
};

}  // namespace

LanguageLabels label_corpus(const configs::DataRecipe& recipe, const BuildOptions& options,
                            const LanguageDetector& detector, ProgressSink& progress) {
  const std::vector<InputFile> files =
      plan_reading(expand_entries(recipe, options.corpus_dir), options.corpus_dir, /*num_ranks=*/1);
  const auto& kinds = recipe.languages().kind();
  const ReadOptions read{recipe.max_line_bytes(), InputPolicy(recipe.bad_input())};
  Labeller labeller(detector, thread_count(options.num_threads));
  std::uint64_t total = 0;
  std::uint64_t done = 0;
  for (const InputFile& file : files) total += file.size_on_disk;
  progress.begin("label", static_cast<std::int64_t>(total), "bytes");
  for (const InputFile& file : files) {
    const auto take = [&](Document&& document) {
      if (document.kind.empty()) document.kind = file.kind;
      const bool is_meant = kinds.empty() || std::find(kinds.begin(), kinds.end(), document.kind) != kinds.end();
      if (is_meant) labeller.add(std::move(document.text));
    };
    const auto say = [&](std::uint64_t position) { progress.update(static_cast<std::int64_t>(done + position)); };
    read_documents(options.corpus_dir, file.name, read, {take, say});
    done += file.size_on_disk;
  }
  progress.end();
  return labeller.finish();
}

}  // namespace reprise::data
