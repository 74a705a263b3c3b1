#include "held_out_evaluation.h"

#include <algorithm>
#include <cmath>

#include "gather.h"
#include "loss_tree.h"
#include "reprise/core/error.h"
#include "reprise/dist/reduction_tree.h"
#include "reprise/numerics/host_math.h"
#include "reprise/numerics/target.h"

namespace reprise::train {
namespace {

/// Whole grains of at most `sequences`.
std::int64_t grains_in(std::uint64_t sequences, std::uint32_t grain_sequences) {
  return static_cast<std::int64_t>(sequences / grain_sequences);
}

Batch first_sequences(const data::TokenSet& tokens, std::uint64_t count, std::uint32_t length) {
  Batch batch;
  batch.length = length;
  batch.num_sequences = count;
  batch.inputs.resize(count * length);
  batch.targets.resize(batch.inputs.size());
  for (std::uint64_t i = 0; i < count; ++i) {
    tokens.read_sequence(i, length, &batch.inputs[i * length], &batch.targets[i * length]);
  }
  batch.num_targets = batch.targets.size();
  return batch;
}

/// Bytes of text that ids stand for, wherever the sequences were cut: no token is decoded as if it began a text.
std::uint64_t bytes_of(const data::Tokenizer& tokenizer, std::span<const std::int32_t> ids) {
  std::vector<std::uint64_t> sizes(tokenizer.vocab_size());
  for (std::size_t id = 0; id < sizes.size(); ++id) {
    sizes[id] = tokenizer.bytes_of_token(static_cast<data::TokenId>(id));
  }
  std::uint64_t sum = 0;
  for (const std::int32_t id : ids) sum += sizes.at(static_cast<std::size_t>(id));
  return sum;
}

}  // namespace

HeldOutEvaluation::HeldOutEvaluation(const configs::TrainRecipe& recipe, const data::TokenSet& held_out,
                                     const data::Tokenizer& tokenizer, const std::filesystem::path& place,
                                     ThreadPool& threads, dist::Communicator& communicator)
    : interval_(recipe.evaluation().interval()),
      num_steps_(recipe.num_steps()),
      grain_tokens_(std::size_t{recipe.grain_sequences()} * recipe.sequence_length()),
      num_grains_(grains_in(
          std::min<std::uint64_t>(recipe.evaluation().sequences(), held_out.num_sequences(recipe.sequence_length())),
          recipe.grain_sequences())),
      threads_(threads),
      communicator_(communicator) {
  REPRISE_REQUIRE(num_grains_ > 0, ErrorKind::kData,
                  fmt::format("{} holds {} held-out tokens: not one grain of {} sequences of {}", place.string(),
                              held_out.tokens().size(), recipe.grain_sequences(), recipe.sequence_length()),
                  "raise data.held_out_fraction, or leave train.evaluation out");
  sequences_ = first_sequences(held_out, static_cast<std::uint64_t>(num_grains_) * recipe.grain_sequences(),
                               recipe.sequence_length());
  num_bytes_ = bytes_of(tokenizer, sequences_.targets);
  REPRISE_REQUIRE(num_bytes_ > 0, ErrorKind::kData,
                  fmt::format("the first held-out sequences in {} hold no text", place.string()),
                  "raise train.evaluation.sequences, or leave train.evaluation out");
  batch_hash_ = batch_hash(sequences_);
}

bool HeldOutEvaluation::is_due(std::uint64_t step) const { return step % interval_ == 0 || step == num_steps_; }

logs::EvaluationRecord HeldOutEvaluation::run(std::uint64_t step, const ScoreGrains& score,
                                              std::int64_t tokens_per_call) const {
  const dist::LeafRange grains = dist::leaves_of_rank(num_grains_, communicator_.rank(), communicator_.size());
  std::vector<double> mine(static_cast<std::size_t>(grains.size()));
  // Full calls where there are enough grains for all threads. Ranks and threads decide what is scored together, so
  // a profile that would see it in its bits asks for none: a grain at a time.
  const std::int64_t full = std::max<std::int64_t>(1, tokens_per_call / static_cast<std::int64_t>(grain_tokens_));
  const std::int64_t per_call = std::clamp<std::int64_t>(grains.size() / threads_.num_threads(), 1, full);
  threads_.parallel_for((grains.size() + per_call - 1) / per_call, [&](std::int64_t call) {
    numerics::check_floating_point_environment();
    const std::int64_t begin = grains.begin + call * per_call;
    const std::int64_t end = std::min(begin + per_call, grains.end);
    score_grains(
        {begin, end}, score,
        std::span(mine).subspan(static_cast<std::size_t>(begin - grains.begin), static_cast<std::size_t>(end - begin)));
  });
  const std::vector<double> losses = gather_losses(mine);
  for (std::size_t grain = 0; grain < losses.size(); ++grain) {
    REPRISE_REQUIRE(
        std::isfinite(losses[grain]), ErrorKind::kNumeric,
        fmt::format("the held-out loss of grain {} is not finite at step {}: {}", grain, step, losses[grain]),
        "lower train.learning_rate.peak or lengthen warmup_steps; the last checkpoint is good");
  }
  const double nats = sum_by_tree(losses);
  logs::EvaluationRecord record;
  record.step = step;
  record.num_sequences = sequences_.num_sequences;
  record.num_targets = sequences_.num_targets;
  record.num_bytes = num_bytes_;
  record.batch_hash = batch_hash_;
  record.loss = nats / static_cast<double>(sequences_.num_targets);
  record.bits_per_byte = nats / numerics::exact_log(2.0) / static_cast<double>(num_bytes_);
  return record;
}

/// The loss of each grain: its targets in their order.
void HeldOutEvaluation::score_grains(dist::LeafRange grains, const ScoreGrains& score, std::span<double> sums) const {
  const std::size_t first = static_cast<std::size_t>(grains.begin) * grain_tokens_;
  const std::size_t count = static_cast<std::size_t>(grains.size()) * grain_tokens_;
  const std::vector<float> losses =
      score(std::span(sequences_.inputs).subspan(first, count), std::span(sequences_.targets).subspan(first, count));
  for (std::size_t grain = 0; grain < sums.size(); ++grain) {
    sums[grain] = sum_in_order(std::span(losses).subspan(grain * grain_tokens_, grain_tokens_));
  }
}

/// Ranks have grains in ascending order, so that their losses only have to be put one after the other.
std::vector<double> HeldOutEvaluation::gather_losses(const std::vector<double>& mine) const {
  if (communicator_.size() == 1) return mine;
  const auto count_of = [&](int rank) {
    return static_cast<std::size_t>(dist::leaves_of_rank(num_grains_, rank, communicator_.size()).size());
  };
  std::vector<std::size_t> sizes;
  for (int rank = 0; rank < communicator_.size(); ++rank) sizes.push_back(count_of(rank) * sizeof(double));
  Message message;
  message.put(std::span<const double>(mine));
  std::vector<double> losses;
  std::vector<Message> all = gather_messages(communicator_, message, sizes);
  for (int rank = 0; rank < communicator_.size(); ++rank) {
    std::vector<double> theirs(count_of(rank));
    all[static_cast<std::size_t>(rank)].take(std::span(theirs));
    losses.insert(losses.end(), theirs.begin(), theirs.end());
  }
  return losses;
}

}  // namespace reprise::train
