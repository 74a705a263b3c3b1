#pragma once
// Evaluation of checkpoints: held-out bits per byte by language, minimal pairs by phenomenon, baselines, BLiMP.
// What enters the root is integer counts and binary64 sums in a fixed order (docs/formats/eval_results.md).

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/hash.h"
#include "reprise/core/progress.h"
#include "reprise/eval/suite.h"

namespace reprise::numerics {
class Device;
}

namespace reprise::eval {

/// Bits per byte over a group of held-out documents.
struct HeldOutGroup {
  std::string name;  // language ("en", "C++"), or "all"
  std::uint64_t num_documents = 0;
  std::uint64_t num_tokens = 0;  // scored, end-of-text included
  std::uint64_t num_bytes = 0;   // of the text
  double nll_nats = 0;           // binary64 sum in document order
  double bits_per_byte = 0;
};

/// Forced choice: the good sentence has the higher log-likelihood; a tie is wrong.
struct PairGroup {
  std::string name;  // phenomenon, or "all"
  std::uint64_t num_pairs = 0;
  std::uint64_t num_correct = 0;
};

struct CheckpointResult {
  std::uint64_t step = 0;
  Digest checkpoint_root;
  std::vector<HeldOutGroup> held_out;  // "all" first, then by name
  std::vector<PairGroup> pairs;        // "all" first, then by name
};

struct EvalResult {
  Digest suite;                               // of the generated minimal pairs
  std::vector<CheckpointResult> checkpoints;  // by step
};

/// Hash of an EvalResult over the canonical encoding: what the manifest covers.
Digest result_hash(const EvalResult& result);

/// What two results say differently of a checkpoint, a sentence for each root, score and group that differs in a bit.
/// Groups that only one of them has are passed over: a task may have been left out.
std::vector<std::string> differences(const CheckpointResult& stored, const CheckpointResult& computed);

struct EvalOptions {
  std::filesystem::path run_dir;
  std::vector<std::uint64_t> steps;           // empty: the recipe's evenly spaced ones and the last
  std::optional<std::filesystem::path> file;  // one checkpoint or average of this model, in place of `steps`
  int num_threads = 1;
  /// Where the exact profile is computed, also for runs of the native one; null: the CPU. No result depends on it.
  std::shared_ptr<numerics::Device> device;
  bool held_out = true;  // false: leave CheckpointResult::held_out empty
  bool pairs = true;     // false: leave CheckpointResult::pairs empty
};

/// Steps that are evaluated when none are named: eval.num_checkpoints of the scheduled checkpoints, each the nearest to
/// one of as many evenly spaced steps (the earlier of two as near); the first and the last scheduled one always are.
std::vector<std::uint64_t> eval_steps(const configs::Recipe& recipe);

/// Throws kConfig where this version does not make the suite that the recipe states, or not that many pairs: every
/// evaluation of its runs would. Takes milliseconds, so that it can be asked before a run is made.
void require_suite(const configs::Recipe& recipe);

/// Evaluates checkpoints of a run on its held-out shards and the generated suite. Throws kCheckpoint, kCorrupt.
EvalResult evaluate_run(const configs::Recipe& recipe, const EvalOptions& options, ProgressSink& progress);

/// Scores given pairs, such as BLiMP's, on one checkpoint of a run: "all" first, then by phenomenon. Same errors.
std::vector<PairGroup> evaluate_pairs(const configs::Recipe& recipe, const EvalOptions& options, std::uint64_t step,
                                      const std::vector<MinimalPair>& pairs, ProgressSink& progress);

/// Writes / reads eval/results.json of a run.
void write_results(const std::filesystem::path& run_dir, const EvalResult& result);
EvalResult read_results(const std::filesystem::path& run_dir);

/// Baselines on the run's held-out text, outside the root: bits per byte by group name ("all", "en", ...). "all" is all
/// documents, also where a language has that name.
struct Baselines {
  std::map<std::string, double> bigram;     // of tokens, interpolated modified Kneser-Ney (ngram.h)
  std::map<std::string, double> five_gram;  // the same of 5 tokens
  std::map<std::string, double> xz;         // 8 * (size(xz(train + held-out)) - size(xz(train))) / bytes
};
Baselines compute_baselines(const std::filesystem::path& run_dir, ProgressSink& progress);

}  // namespace reprise::eval
