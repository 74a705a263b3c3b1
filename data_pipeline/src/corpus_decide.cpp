#include <memory>

#include "copy_index.h"
#include "corpus_candidate.h"
#include "corpus_inputs.h"
#include "corpus_merge.h"
#include "corpus_steps.h"
#include "min_hash_index.h"
#include "record_bytes.h"
#include "report_builder.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/report.h"
#include "reprise/data_pipeline/selection.h"

namespace reprise::data {
namespace {

void for_each_measured(const BuildContext& build, std::uint64_t chunk, const std::function<void(Measured&&)>& visit) {
  RecordReader reader(build.scratch.piece("measured", chunk));
  while (reader.next()) visit(parse_measured(reader.key(), reader.value()));
}

/// Decides about documents in the order of ids, when all have been shown to it once.
class Decider {
 public:
  Decider(const BuildContext& build, std::uint64_t count)
      : build_(build),
        count_(count),
        copies_(build.scratch.pieces("copies"), build.options.memory_bytes / 2),
        hasher_(minhash_setting(build.recipe.minhash_dedup())),
        near_(hasher_, build.scratch.pieces("minhash"), build.options.memory_bytes / 2) {
    if (build.evals) contamination_.emplace(*build.evals);
    show_all();
  }

  void decide(Measured& measured) {
    if (measured.candidate.drop) return;
    if (drop_copy(measured) || drop_near_duplicate(measured)) return;
    drop_contaminated(measured);
  }

  const std::optional<ContaminationReport>& contamination() const { return contamination_; }

 private:
  void show_all() {
    for (std::uint64_t i = 0; i < count_ && build_.recipe.exact_dedup(); ++i) {
      for_each_measured(build_, i, [&](Measured&& measured) {
        if (!measured.candidate.drop) copies_.add(measured.text, measured.candidate.document.id);
      });
    }
    copies_.finish();
    if (!build_.recipe.has_minhash_dedup()) return;
    for (std::uint64_t i = 0; i < count_; ++i) {
      for_each_measured(build_, i, [&](Measured&& measured) {
        const std::string& id = measured.candidate.document.id;
        if (!measured.candidate.drop && !copies_.copy(id)) near_.add(id, measured.text, measured.signature);
      });
    }
    near_.finish();
    copies_.rewind();
  }

  bool drop_copy(Measured& measured) {
    const auto copy = copies_.copy(measured.candidate.document.id);
    if (!copy) return false;
    measured.candidate.drop = copy_drop(*copy);
    measured.candidate.survivor = copy->survivor;
    return true;
  }

  bool drop_near_duplicate(Measured& measured) {
    if (!build_.recipe.has_minhash_dedup()) return false;
    const auto duplicate = near_.duplicate(num_signed_++);
    if (!duplicate) return false;
    measured.candidate.drop =
        near_duplicate_drop(minhash_setting(build_.recipe.minhash_dedup()), duplicate->similarity);
    measured.candidate.survivor = duplicate->survivor;
    return true;
  }

  void drop_contaminated(Measured& measured) {
    if (!contamination_) return;
    const configs::Decontamination& config = build_.recipe.decontamination();
    if (measured.overlap.num_ngrams < config.min_matches()) return;
    contamination_->add(measured.candidate.document.id, measured.overlap);
    if (config.action() == "tag") return;
    measured.candidate.drop = contamination_drop(measured.overlap, config.min_matches());
    measured.candidate.survivor = build_.evals->name(measured.overlap.examples.front());
  }

  const BuildContext& build_;
  std::uint64_t count_;
  CopyIndex copies_;
  MinHasher hasher_;
  MinHashIndex near_;
  std::optional<ContaminationReport> contamination_;
  std::uint64_t num_signed_ = 0;
};

/// Counts documents as they are decided.
class Account {
 public:
  explicit Account(double held_out_fraction) : held_out_fraction_(held_out_fraction) {}

  void add(const Measured& measured) {
    const Candidate& candidate = measured.candidate;
    report_.num_bytes_read += candidate.num_bytes_read;
    report_.num_bytes_normalised += candidate.num_bytes_normalised;
    if (candidate.drop) {
      builder_.add(candidate.document, "dropped", candidate.drop->rule, measured.num_bytes);
      return;
    }
    const bool held_out = is_held_out(candidate.document.id, held_out_fraction_);
    builder_.add(candidate.document, held_out ? "held_out" : "train", "", measured.num_bytes);
    builder_.add_edits(candidate.edits);
  }

  Report finish() {
    builder_.finish(report_);
    return std::move(report_);
  }

 private:
  double held_out_fraction_;
  Report report_;
  ReportBuilder builder_;
};

std::string decision_record(const Candidate& candidate) {
  return RecordBuilder()
      .string(candidate.drop->rule)
      .f64(candidate.drop->value)
      .f64(candidate.drop->threshold)
      .string(candidate.survivor)
      .bytes();
}

}  // namespace

void decide(const BuildContext& build, const std::string& chunks) {
  const std::uint64_t count = num_chunks(build.scratch, chunks);
  build.scratch.pieces("decided");
  build.progress.begin("decide", static_cast<std::int64_t>(count), "chunks");
  Decider decider(build, count);
  Account account(build.recipe.held_out_fraction());
  for (std::uint64_t i = 0; i < count; ++i) {
    RecordFileCommit file(build.scratch.piece("decided", i));
    for_each_measured(build, i, [&](Measured&& measured) {
      const bool was_dropped = measured.candidate.drop.has_value();
      decider.decide(measured);
      account.add(measured);
      if (was_dropped || !measured.candidate.drop) return;
      file.writer().write(measured.candidate.document.id, decision_record(measured.candidate));
    });
    file.commit();
    build.progress.update(static_cast<std::int64_t>(i + 1));
  }
  Report report = account.finish();
  report.inputs = read_inputs(build.scratch);
  BuildScratch::write_piece(build.scratch.folder() / "report.json", report_json(report));
  if (decider.contamination()) {
    BuildScratch::write_piece(build.scratch.folder() / "contamination.json", decider.contamination()->json());
  }
  build.progress.end();
}

}  // namespace reprise::data
