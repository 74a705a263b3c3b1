// The whole step with a double of the model, on several ranks inside one process.

#include "step.h"

#include <gtest/gtest.h>
#include <immintrin.h>

#include <cmath>
#include <limits>
#include <mutex>

#include "reprise/core/philox.h"
#include "reprise/core/stop.h"
#include "reprise/dist/local_group.h"

namespace reprise::train {
namespace {

constexpr std::uint32_t kLength = 8;
constexpr std::uint32_t kGrains = 7;  // not a power of two
constexpr std::uint32_t kGrainSequences = 2;

TensorLayout small_layout() {
  // Ragged tensors, one smaller than a chunk, the second one without decay: 5 + 1 + 4 chunks.
  return TensorLayout({{"a", {130, 150}, true}, {"b", {77}, false}, {"c", {3, 4700}, true}});
}

configs::TrainRecipe small_recipe() {
  configs::TrainRecipe recipe;
  recipe.set_sequence_length(kLength);
  recipe.set_batch_sequences(kGrains * kGrainSequences);
  recipe.set_grain_sequences(kGrainSequences);
  recipe.set_num_steps(100);
  recipe.mutable_learning_rate()->set_peak(1e-2);
  recipe.set_clip_norm(1.0);
  recipe.set_z_loss(1e-3);
  return recipe;
}

float uniform(std::uint32_t a, std::uint32_t b) {
  const PhiloxCounter words = philox4x32_10({static_cast<std::uint32_t>(RandomPurpose::kTest), a, b, 0}, {1, 2});
  return static_cast<float>(words[0] >> 8) * 0x1p-23f - 1.0f;
}

Batch make_batch(std::uint64_t step) {
  Batch batch;
  batch.first_sample = (step - 1) * kGrains * kGrainSequences;
  batch.length = kLength;
  batch.num_sequences = kGrains * kGrainSequences;
  for (std::size_t i = 0; i < batch.num_sequences * kLength; ++i) {
    batch.inputs.push_back(static_cast<std::int32_t>(step * 1000 + i));
    batch.targets.push_back(i % 5 == 0 ? -1 : 1);
    batch.num_targets += i % 5 == 0 ? 0 : 1;
  }
  return batch;
}

/// The double: a gradient that depends on the grain's tokens and on the weights; padding zero.
model::GrainLosses fake_grain(const TensorLayout& layout, const std::vector<float>& weights,
                              std::span<const std::int32_t> inputs, std::span<float> gradient) {
  const auto seed = static_cast<std::uint32_t>(inputs[0]);
  std::fill(gradient.begin(), gradient.end(), 0.0f);
  for (const TensorLayout::Entry& entry : layout.entries()) {
    for (std::int64_t i = 0; i < entry.spec.num_elements(); ++i) {
      const auto at = static_cast<std::size_t>(entry.offset + i);
      gradient[at] = uniform(seed, static_cast<std::uint32_t>(at)) + weights[at];
    }
  }
  model::GrainLosses losses;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    losses.cross_entropy.push_back(5.0f + uniform(seed, static_cast<std::uint32_t>(i) + 77u));
    losses.z.push_back(10.0f + weights[0]);
  }
  return losses;
}

struct Outcome {
  std::vector<logs::StepRecord> records;
  Digest root;
  std::vector<float> weights;
  std::vector<std::uint64_t> bytes_sent;
  int stop_signal = 0;
  std::int64_t peak_gradient_bytes = 0;
};

/// As a backward pass does: part after part.
void give_parts(const std::vector<std::vector<float>>& gradients, model::GradientSink& sink) {
  for (std::size_t part = 0; part < sink.parts().size(); ++part) {
    const ChunkRange& chunks = sink.parts()[part];
    for (std::size_t grain = 0; grain < gradients.size(); ++grain) {
      const auto begin = gradients[grain].begin() + chunks.begin * kChunkElements;
      std::copy(begin, begin + chunks.size() * kChunkElements, sink.take(part, grain));
    }
    sink.done(part);
  }
}

using Disturb = std::function<void(std::span<const std::int32_t> inputs, model::GrainLosses&, std::span<float>)>;

Outcome run_rank(dist::Communicator& communicator, int num_threads, std::uint64_t num_steps, const Disturb& disturb,
                 const StepSettings& settings = {}) {
  const TensorLayout layout = small_layout();
  ThreadPool threads(num_threads);
  TrainingState state;
  state.weights.assign(static_cast<std::size_t>(layout.num_elements()), 0.0f);
  for (const TensorLayout::Entry& entry : layout.entries()) {
    for (std::int64_t i = 0; i < entry.spec.num_elements(); ++i) {
      state.weights[static_cast<std::size_t>(entry.offset + i)] = uniform(9, static_cast<std::uint32_t>(i));
    }
  }
  const RunGrains run_grains = [&](std::span<const std::int32_t> inputs, std::span<const std::int32_t>,
                                   model::GradientSink& sink) {
    model::GrainLosses all;
    const std::size_t tokens = inputs.size() / sink.num_grains();
    std::vector<std::vector<float>> gradients(sink.num_grains(), std::vector<float>(state.weights.size()));
    for (std::size_t grain = 0; grain < gradients.size(); ++grain) {
      const std::span<const std::int32_t> ids = inputs.subspan(grain * tokens, tokens);
      model::GrainLosses losses = fake_grain(layout, state.weights, ids, gradients[grain]);
      if (disturb) disturb(ids, losses, gradients[grain]);
      all.cross_entropy.insert(all.cross_entropy.end(), losses.cross_entropy.begin(), losses.cross_entropy.end());
      all.z.insert(all.z.end(), losses.z.begin(), losses.z.end());
    }
    give_parts(gradients, sink);
    return all;
  };
  StepRunner runner(small_recipe(), small_recipe().batch_sequences(), layout, run_grains, settings, threads, threads,
                    communicator);
  state.slice = runner.slice();
  state.first_moments.assign(static_cast<std::size_t>(state.slice.size() * kChunkElements), 0.0f);
  state.second_moments = state.first_moments;
  runner.digest(state);
  Outcome outcome;
  for (std::uint64_t step = 1; step <= num_steps; ++step) {
    StepOutcome done = runner.run(step, make_batch(step), state);
    outcome.records.push_back(done.record);
    outcome.bytes_sent = done.bytes_sent;
    outcome.stop_signal = done.stop_signal;
  }
  outcome.root = checkpoints::checkpoint_root(state.header, layout, state.digests);
  outcome.weights = state.weights;
  outcome.peak_gradient_bytes = runner.peak_gradient_bytes();
  return outcome;
}

std::vector<Outcome> run_ranks(int num_ranks, int num_threads, std::uint64_t num_steps, const Disturb& disturb = {},
                               const StepSettings& settings = {}) {
  std::vector<Outcome> outcomes(static_cast<std::size_t>(num_ranks));
  dist::run_local_group(num_ranks, [&](dist::Communicator& communicator) {
    outcomes[static_cast<std::size_t>(communicator.rank())] =
        run_rank(communicator, num_threads, num_steps, disturb, settings);
  });
  return outcomes;
}

void expect_same(const Outcome& a, const Outcome& b, const std::string& where) {
  EXPECT_EQ(a.root, b.root) << where;
  ASSERT_EQ(a.records.size(), b.records.size());
  for (std::size_t i = 0; i < a.records.size(); ++i) {
    EXPECT_EQ(a.records[i].state, b.records[i].state) << where << ", step " << i + 1;
    EXPECT_EQ(a.records[i].loss, b.records[i].loss) << where;
    EXPECT_EQ(a.records[i].z_loss, b.records[i].z_loss) << where;
    EXPECT_EQ(a.records[i].grain_losses, b.records[i].grain_losses) << where;
    EXPECT_EQ(a.records[i].gradient_norm, b.records[i].gradient_norm) << where;
    EXPECT_EQ(a.records[i].clip_factor, b.records[i].clip_factor) << where;
  }
}

TEST(Step, GivesTheSameBitsForAnyNumberOfGrainsInAForwardPass) {
  const Outcome expected = run_ranks(1, 1, 3)[0];
  for (const int grains_per_forward : {2, 3, 4, 100}) {
    const auto communicator = dist::make_local_communicator();
    expect_same(run_rank(*communicator, 2, 3, {}, {grains_per_forward, {}}), expected,
                std::to_string(grains_per_forward) + " grains per forward pass");
  }
}

TEST(Step, GivesTheSameBitsOnAnyNumberOfRanksAndThreads) {
  const Outcome expected = run_ranks(1, 1, 3)[0];
  for (const auto& [num_ranks, num_threads] :
       {std::pair{1, 4}, {2, 1}, {2, 3}, {3, 2}, {4, 1}, {5, 1}, {9, 1}, {12, 1}}) {
    for (const Outcome& outcome : run_ranks(num_ranks, num_threads, 3)) {
      expect_same(expected, outcome, fmt::format("{} ranks, {} threads", num_ranks, num_threads));
    }
  }
}

TEST(Step, GivesTheSameBitsWithTheGradientInParts) {
  const Outcome expected = run_ranks(1, 1, 3)[0];
  const std::vector<std::vector<ChunkRange>> divisions = {{{6, 10}, {0, 6}}, {{6, 10}, {5, 6}, {0, 5}}};
  for (const std::vector<ChunkRange>& parts : divisions) {
    for (const auto& [num_ranks, num_threads, grains_per_forward] :
         {std::tuple{1, 2, 1}, {2, 2, 1}, {3, 1, 2}, {4, 2, 100}, {5, 1, 1}, {12, 1, 1}}) {
      for (const Outcome& outcome : run_ranks(num_ranks, num_threads, 3, {}, {grains_per_forward, parts})) {
        expect_same(expected, outcome, fmt::format("{} parts, {} ranks", parts.size(), num_ranks));
      }
    }
  }
}

TEST(Step, SendsTheSameBytesWithTheGradientInParts) {
  for (const int num_ranks : {2, 3, 5, 8}) {
    const std::vector<Outcome> whole = run_ranks(num_ranks, 1, 1);
    const std::vector<Outcome> parts = run_ranks(num_ranks, 1, 1, {}, {1, {{6, 10}, {5, 6}, {0, 5}}});
    EXPECT_EQ(whole[0].bytes_sent, parts[0].bytes_sent) << num_ranks << " ranks";
  }
}

TEST(Step, NeedsLessMemoryForGradientsInPartsWhenOnePassTakesAllGrains) {
  const std::int64_t whole = run_ranks(2, 1, 1, {}, {100, {}})[0].peak_gradient_bytes;
  const std::int64_t parts = run_ranks(2, 1, 1, {}, {100, {{6, 10}, {5, 6}, {0, 5}}})[0].peak_gradient_bytes;
  // Seven grains over two ranks: four whole buffers and two slices from the other rank; or four of the largest part.
  EXPECT_GT(whole, 4 * 10 * kChunkElements * 4);
  EXPECT_LT(parts, 4 * 5 * kChunkElements * 4 + 5 * kChunkElements * 4 * 3 + 1);
}

TEST(Step, EndsWithTheFirstErrorWhileAPartIsOnItsWay) {
  const auto fail = [](std::span<const std::int32_t> inputs, model::GrainLosses&, std::span<float>) {
    if (inputs[0] % 1000 != 0) throw Error(ErrorKind::kInternal, "no memory for a grain");
  };
  EXPECT_THROW(run_ranks(2, 2, 2, fail, {1, {{6, 10}, {0, 6}}}), Error);
}

TEST(Step, ChangesEveryTensorAndLeavesPaddingZero) {
  const Outcome outcome = run_ranks(3, 1, 2)[2];
  const TensorLayout layout = small_layout();
  for (const TensorLayout::Entry& entry : layout.entries()) {
    EXPECT_NE(outcome.weights[static_cast<std::size_t>(entry.offset)], uniform(9, 0)) << entry.spec.name;
    for (std::int64_t i = entry.spec.num_elements(); i < entry.num_chunks * kChunkElements; ++i) {
      ASSERT_EQ(outcome.weights[static_cast<std::size_t>(entry.offset + i)], 0.0f) << entry.spec.name << " " << i;
    }
  }
}

/// Mean gradient in binary64, straight from the definition.
std::vector<double> reference_gradient(const Batch& batch, const TensorLayout& layout,
                                       const std::vector<float>& weights) {
  std::vector<double> sum(static_cast<std::size_t>(layout.num_elements()));
  std::vector<float> gradient(sum.size());
  const std::size_t grain_tokens = std::size_t{kGrainSequences} * kLength;
  for (std::size_t grain = 0; grain < kGrains; ++grain) {
    fake_grain(layout, weights, std::span(batch.inputs).subspan(grain * grain_tokens, grain_tokens), gradient);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(gradient[i]);
  }
  for (double& value : sum) value /= static_cast<double>(batch.num_targets);
  return sum;
}

TEST(Step, LogsTheNormOfTheMeanGradientAndTheClipFactor) {
  const Batch batch = make_batch(1);
  const TensorLayout layout = small_layout();
  std::vector<float> weights(static_cast<std::size_t>(layout.num_elements()));
  for (const TensorLayout::Entry& entry : layout.entries()) {
    for (std::int64_t i = 0; i < entry.spec.num_elements(); ++i) {
      weights[static_cast<std::size_t>(entry.offset + i)] = uniform(9, static_cast<std::uint32_t>(i));
    }
  }
  double squares = 0;
  for (const double g : reference_gradient(batch, layout, weights)) squares += g * g;
  const logs::StepRecord record = run_ranks(2, 2, 1)[1].records[0];
  EXPECT_NEAR(record.gradient_norm / std::sqrt(squares), 1.0, 1e-6);
  ASSERT_GT(record.gradient_norm, 1.0);
  EXPECT_EQ(record.clip_factor, static_cast<float>(1.0 / record.gradient_norm));
  EXPECT_EQ(record.num_targets, batch.num_targets);
  EXPECT_EQ(record.tokens_seen, batch.inputs.size());
}

TEST(Step, LogsLossesOfEveryGrainAndTheirMeanPerTarget) {
  const logs::StepRecord record = run_ranks(3, 1, 1)[0].records[0];
  ASSERT_EQ(record.grain_losses.size(), kGrains);
  double sum = 0;
  for (const double loss : record.grain_losses) sum += loss;
  EXPECT_NEAR(record.loss, sum / static_cast<double>(record.num_targets), 1e-12);
  double z = 0;
  for (const double loss : record.grain_z_losses) z += loss;
  EXPECT_NEAR(record.z_loss, z / static_cast<double>(record.num_targets) * 1e-3, 1e-9);
}

TEST(Step, CountsTheBytesThatRanksSend) {
  EXPECT_EQ(run_ranks(1, 1, 1)[0].bytes_sent, std::vector<std::uint64_t>{0});
  const std::vector<std::uint64_t> sent = run_ranks(2, 1, 1)[0].bytes_sent;
  ASSERT_EQ(sent.size(), 2u);
  // Rank 0 runs grains 0 to 3, one subtree, and owns 5 of 10 chunks: it sends 5 chunks of sums and 5 of weights.
  EXPECT_GE(sent[0], 10u * kChunkElements * sizeof(float));
  EXPECT_LT(sent[0], 11u * kChunkElements * sizeof(float));
}

void expect_numeric_error(int num_ranks, const Disturb& disturb, const std::string& place) {
  std::mutex mutex;
  std::vector<std::string> messages;
  dist::run_local_group(num_ranks, [&](dist::Communicator& communicator) {
    try {
      run_rank(communicator, 1, 3, disturb);
    } catch (const Error& error) {
      const std::lock_guard lock(mutex);
      EXPECT_EQ(error.kind(), ErrorKind::kNumeric);
      messages.emplace_back(error.what());
    }
  });
  ASSERT_EQ(messages.size(), static_cast<std::size_t>(num_ranks));
  for (const std::string& message : messages) {
    EXPECT_EQ(message, messages[0]);
    EXPECT_NE(message.find(place), std::string::npos) << message;
    EXPECT_NE(message.find("step 2"), std::string::npos) << message;
  }
}

TEST(Step, StopsAllRanksWhenAGradientIsNotFiniteAndNamesTheTensor) {
  const Disturb disturb = [](std::span<const std::int32_t> inputs, model::GrainLosses&, std::span<float> gradient) {
    const TensorLayout layout = small_layout();
    const auto at = static_cast<std::size_t>(layout.find("c")->offset + kChunkElements + 3);
    if (inputs[0] == 2000 + 5 * 16) gradient[at] = std::numeric_limits<float>::quiet_NaN();
  };
  expect_numeric_error(1, disturb, "the gradient of c is not finite");
  expect_numeric_error(3, disturb, "the gradient of c is not finite");
}

TEST(Step, StopsAllRanksWhenALossIsNotFiniteAndNamesTheGrain) {
  const Disturb disturb = [](std::span<const std::int32_t> inputs, model::GrainLosses& losses, std::span<float>) {
    if (inputs[0] == 2000 + 4 * 16) losses.cross_entropy[3] = std::numeric_limits<float>::infinity();
  };
  expect_numeric_error(2, disturb, "the loss of grain 4 is not finite");
}

/// Sets bits of MXCSR on this thread, and so on the threads it starts, until it goes.
class ChangedEnvironment {
 public:
  explicit ChangedEnvironment(unsigned bits) { _mm_setcsr(saved_ | bits); }
  ~ChangedEnvironment() { _mm_setcsr(saved_); }

 private:
  unsigned saved_ = _mm_getcsr();
};

/// The message of the Error that a run on one rank ends with; empty when it ends without.
std::string error_of_run(int num_threads, const Disturb& disturb = {}) {
  try {
    run_rank(*dist::make_local_communicator(), num_threads, 2, disturb);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNumeric);
    return error.what();
  }
  return {};
}

TEST(Step, StopsWhenFlushToZeroIsOnOnItsThreads) {
  for (const int num_threads : {1, 3}) {
    EXPECT_EQ(error_of_run(num_threads), "");
    const ChangedEnvironment flush_to_zero(0x8000);
    EXPECT_NE(error_of_run(num_threads).find("flush-to-zero is on"), std::string::npos);
  }
}

TEST(Step, StopsWhenAGrainTurnsFlushToZeroOn) {
  const ChangedEnvironment restores_on_return(0);
  const Disturb last_grain = [](std::span<const std::int32_t> inputs, model::GrainLosses&, std::span<float>) {
    if (inputs[0] == 1000 + 6 * 16) _mm_setcsr(_mm_getcsr() | 0x8000);
  };
  EXPECT_NE(error_of_run(1, last_grain).find("flush-to-zero is on"), std::string::npos);
}

TEST(Step, TellsEveryRankOfAStop) {
  request_stop(15);
  for (const Outcome& outcome : run_ranks(3, 1, 1)) EXPECT_EQ(outcome.stop_signal, 15);
  request_stop(0);
  EXPECT_EQ(run_ranks(2, 1, 1)[1].stop_signal, 0);
}

TEST(ClipFactor, IsOneUpToTheLimitAndTheQuotientAboveIt) {
  EXPECT_EQ(clip_factor(0.0, 1.0), 1.0f);
  EXPECT_EQ(clip_factor(1.0, 1.0), 1.0f);
  EXPECT_EQ(clip_factor(4.0, 1.0), 0.25f);
  EXPECT_EQ(clip_factor(3.0, 1.0), static_cast<float>(1.0 / 3.0));
}

TEST(ClipFactor, IsTheBinary64QuotientRoundedOnce) {
  // A norm between two binary32 values: rounded to binary32 before the division it is 3, and the quotient one ulp more.
  EXPECT_EQ(clip_factor(3.0 + 0x1p-24, 1.0), 0x1.555554p-2f);
  EXPECT_EQ(1.0f / static_cast<float>(3.0 + 0x1p-24), 0x1.555556p-2f);
}

}  // namespace
}  // namespace reprise::train
