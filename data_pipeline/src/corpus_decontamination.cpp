#include "corpus_decontamination.h"

#include <algorithm>
#include <thread>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/thread_pool.h"
#include "reprise/data_pipeline/decontamination.h"

namespace reprise::data {
namespace {

void add_files(const configs::Decontamination& config, const BuildOptions& options, EvalIndex& index) {
  for (int i = 0; i < config.against_size(); ++i) {
    const std::filesystem::path path = options.corpus_dir / config.against(i).path();
    const std::string found = index.add_file(path).hex();
    if (found == config.against(i).sha256() || options.accept_changed_corpus) continue;
    throw Error(
        ErrorKind::kData,
        fmt::format("evaluation file differs from the recipe: {}: SHA-256 of its content: expected {}, found {}",
                    path.string(), config.against(i).sha256(), found),
        fmt::format("fetch the file again, or accept it: --set recipe.data.decontamination.against[{}].sha256={}", i,
                    found));
  }
}

}  // namespace

void decontaminate_corpus(const configs::Decontamination& config, const BuildOptions& options,
                          const std::filesystem::path& report_path, std::vector<Candidate>& candidates) {
  EvalIndex index(config.ngram());
  add_files(config, options, index);
  index.finish();
  std::vector<Overlap> overlaps(candidates.size());
  const int available = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  ThreadPool pool(options.num_threads > 0 ? options.num_threads : available);
  pool.parallel_for(static_cast<std::int64_t>(candidates.size()), [&](std::int64_t i) {
    const auto k = static_cast<std::size_t>(i);
    if (!candidates[k].drop) overlaps[k] = index.overlap(candidates[k].document.text);
  });
  ContaminationReport report(index);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (overlaps[i].num_ngrams < config.min_matches()) continue;
    report.add(candidates[i].document.id, overlaps[i]);
    if (config.action() == "tag") continue;
    candidates[i].drop = contamination_drop(overlaps[i], config.min_matches());
    candidates[i].survivor = index.name(overlaps[i].examples.front());
  }
  make_folders(report_path.parent_path());
  write_file_atomically(report_path, report.json());
}

}  // namespace reprise::data
