// The steps of a build that look into texts: duplicate paragraphs, signatures, overlap with evaluation sets.

#include <algorithm>
#include <system_error>

#include "corpus_candidate.h"
#include "corpus_merge.h"
#include "corpus_steps.h"
#include "min_hash.h"
#include "paragraph_index.h"
#include "reprise/core/error.h"
#include "reprise/core/fault_point.h"
#include "reprise/core/thread_pool.h"

namespace reprise::data {
namespace {

constexpr std::int64_t kChunksPerThread = 4;  // between two updates of the progress

std::uint64_t count_lines(const std::string& text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

void remove_paragraphs_of(Candidate& candidate, ParagraphIndex& index) {
  std::string rest = candidate.document.text;
  const std::uint64_t removed = index.remove_duplicates(rest);
  if (removed == 0) return;
  if (rest.empty()) {
    candidate.drop = Drop{"duplicate_paragraphs", static_cast<double>(removed), 1};
    return;
  }
  std::string& text = candidate.document.text;
  Edit& edit = candidate.edits["duplicate_paragraphs"];
  edit.num_lines += count_lines(text) - count_lines(rest);
  edit.num_bytes += text.size() - rest.size();
  text = std::move(rest);
}

class ChunkMeasurer {
 public:
  explicit ChunkMeasurer(const BuildContext& build) : evals_(build.evals ? &*build.evals : nullptr) {
    if (build.recipe.has_minhash_dedup()) hasher_.emplace(minhash_setting(build.recipe.minhash_dedup()));
  }

  void measure(const std::filesystem::path& chunk, const std::filesystem::path& path) const {
    RecordFileCommit file(path);
    for_each_candidate(chunk, [&](Candidate&& candidate) {
      Measured measured;
      const std::string text = std::move(candidate.document.text);
      candidate.document.text.clear();
      measured.candidate = std::move(candidate);
      measured.num_bytes = text.size();
      if (!measured.candidate.drop) {
        measured.text = sha256(std::string_view(text));
        if (hasher_) measured.signature = hasher_->signature(text);
        if (evals_ != nullptr) measured.overlap = evals_->overlap(text);
      }
      file.writer().write(measured.candidate.document.id, measured_record(measured));
    });
    file.commit();
    fault_point("data_measure");
  }

 private:
  const EvalIndex* evals_;
  std::optional<MinHasher> hasher_;
};

}  // namespace

EvalIndex read_eval_files(const configs::Decontamination& config, const BuildOptions& options,
                          std::vector<SideFile>& files) {
  EvalIndex index(config.ngram());
  for (int i = 0; i < config.against_size(); ++i) {
    const configs::CorpusFile& file = config.against(i);
    // By its path in the recipe: what is written names no folder of this machine.
    const Digest found = index.add_file(options.corpus_dir / file.path(), file.path());
    files.push_back(check_side_file("evaluation file", fmt::format("recipe.data.decontamination.against[{}]", i),
                                    file.path(), file.sha256(), found, options));
  }
  index.finish();
  return index;
}

void remove_paragraphs(const BuildContext& build) {
  const std::uint64_t count = num_chunks(build.scratch, "chunks");
  ParagraphIndex index(build.recipe.paragraph_dedup().min_words(), build.scratch.pieces("paragraphs"),
                       build.options.memory_bytes);
  build.progress.begin("paragraphs", static_cast<std::int64_t>(2 * count), "chunks");
  for (std::uint64_t i = 0; i < count; ++i) {
    for_each_candidate(build.scratch.piece("chunks", i), [&](Candidate&& candidate) {
      const std::string& text = candidate.document.text;
      if (!candidate.drop) index.add(sha256(std::string_view(text)), text);
    });
    build.progress.update(static_cast<std::int64_t>(i + 1));
  }
  index.finish();
  ChunkWriter edited(build.scratch, "edited", build.options.piece_bytes);
  for (std::uint64_t i = 0; i < count; ++i) {
    for_each_candidate(build.scratch.piece("chunks", i), [&](Candidate&& candidate) {
      if (!candidate.drop) remove_paragraphs_of(candidate, index);
      edited.add(candidate);
    });
    build.progress.update(static_cast<std::int64_t>(count + i + 1));
  }
  edited.finish();
  build.progress.end();
}

void for_each_own_chunk(const BuildContext& build, std::uint64_t count, std::string_view phase,
                        const std::function<void(std::uint64_t)>& work) {
  std::vector<std::uint64_t> mine;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (build.scratch.team().owns(i)) mine.push_back(i);
  }
  ThreadPool pool(build.options.num_threads);
  const auto total = static_cast<std::int64_t>(mine.size());
  const std::int64_t group = kChunksPerThread * pool.num_threads();
  build.progress.begin(phase, total, "chunks");
  for (std::int64_t begin = 0; begin < total; begin += group) {
    const std::int64_t end = std::min(begin + group, total);
    pool.parallel_for(end - begin, [&](std::int64_t i) { work(mine[static_cast<std::size_t>(begin + i)]); });
    build.progress.update(end);
  }
  build.progress.end();
}

void measure_chunks(const BuildContext& build, const std::string& chunks) {
  build.scratch.pieces("measured");
  const ChunkMeasurer measurer(build);
  for_each_own_chunk(build, num_chunks(build.scratch, chunks), "measure", [&](std::uint64_t number) {
    const std::filesystem::path path = build.scratch.piece("measured", number);
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) measurer.measure(build.scratch.piece(chunks, number), path);
  });
}

}  // namespace reprise::data
