#pragma once
// The loss of the first held-out sequences along a run ([C-44] of the numeric contract): forward passes alone, grains
// on ranks and threads, one tree. A function of weights, recipe and shards; the bits do not depend on ranks or threads.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "batch.h"
#include "reprise/configs/config.pb.h"
#include "reprise/core/thread_pool.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "reprise/dist/communicator.h"
#include "reprise/dist/reduction_tree.h"
#include "reprise/logs/run_log.h"

namespace reprise::train {

/// Cross-entropy of each target of some whole grains under the weights as they are. Called from several threads.
using ScoreGrains =
    std::function<std::vector<float>(std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets)>;

class HeldOutEvaluation {
 public:
  /// Takes the first sequences of `held_out`, at most as many as the recipe says, in whole grains. `place` names the
  /// shards in errors. Throws kData when they hold no whole grain.
  HeldOutEvaluation(const configs::TrainRecipe& recipe, const data::TokenSet& held_out,
                    const data::Tokenizer& tokenizer, const std::filesystem::path& place, ThreadPool& threads,
                    dist::Communicator& communicator);

  /// Whether the recipe asks for a measurement behind `step`.
  bool is_due(std::uint64_t step) const;

  /// Measures, with as many grains per call as have `tokens_per_call`, at least one; no bit depends on it. Collective;
  /// the same record on every rank. Throws kNumeric on every rank when a loss is not finite.
  logs::EvaluationRecord run(std::uint64_t step, const ScoreGrains& score, std::int64_t tokens_per_call = 0) const;

 private:
  void score_grains(dist::LeafRange grains, const ScoreGrains& score, std::span<double> sums) const;
  std::vector<double> gather_losses(const std::vector<double>& mine) const;

  std::uint64_t interval_;
  std::uint64_t num_steps_;
  std::size_t grain_tokens_;
  std::int64_t num_grains_;
  Batch sequences_;
  std::uint64_t num_bytes_ = 0;
  Digest batch_hash_;
  ThreadPool& threads_;
  dist::Communicator& communicator_;
};

}  // namespace reprise::train
