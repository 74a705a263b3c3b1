// [C-44]: the loss of held-out sequences along a run.

#include "held_out_evaluation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "reprise/checkpoints/checkpoint.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/stop.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "reprise/dist/local_group.h"
#include "reprise/logs/run_log.h"
#include "reprise/model/decoder.h"
#include "reprise/model/schema.h"
#include "tiny_run_fixture.h"

namespace reprise::train {
namespace {

using testing::HasSubstr;

class HeldOut : public TinyRunTest {
 protected:
  static void SetUpTestSuite() { make_whole_run("held_out", config(), add_held_out); }
  static void TearDownTestSuite() { remove_runs(); }

  static configs::RunConfig config() {
    return tiny_config({"train.evaluation.interval=5", "train.evaluation.sequences=14"});
  }
  static std::vector<logs::EvaluationRecord> evaluations_in(const std::filesystem::path& folder) {
    std::vector<logs::EvaluationRecord> found;
    for (const logs::RunRecord& record : logs::read_run_log(folder / "run.log").records) {
      if (record.evaluation) found.push_back(*record.evaluation);
    }
    return found;
  }
};

TEST_F(HeldOut, IsMeasuredAtMultiplesOfTheIntervalAndAtTheLastStep) {
  std::vector<std::uint64_t> steps;
  for (const logs::EvaluationRecord& record : evaluations_in(whole_run())) {
    steps.push_back(record.step);
    EXPECT_EQ(record.num_sequences, 14u);
    EXPECT_EQ(record.num_targets, 14u * 16);
  }
  EXPECT_EQ(steps, (std::vector<std::uint64_t>{5, 10, 12}));
}

TEST_F(HeldOut, IsTheMeanLossOfTheFirstSequencesUnderTheWeightsOfTheStep) {
  const configs::Recipe recipe = configs::resolve(config()).recipe();
  const TensorLayout layout = model::parameter_layout(recipe.model(), recipe.tokenizer().vocab_size(), false);
  auto loaded = checkpoints::read_checkpoint(whole_run() / "checkpoints" / "step-000012.h5");
  const model::Decoder decoder(recipe.model(), recipe.tokenizer().vocab_size(), 16, layout, loaded.weights);
  const data::TokenSet tokens = data::TokenSet::open(whole_run() / "shards", "held_out");
  const data::Tokenizer tokenizer = data::Tokenizer::load(whole_run() / "tokenizer" / "tokenizer.json");
  std::vector<std::int32_t> inputs(14 * 16);
  std::vector<std::int32_t> targets(inputs.size());
  for (std::uint64_t i = 0; i < 14; ++i) tokens.read_sequence(i, 16, &inputs[i * 16], &targets[i * 16]);
  double sum = 0;
  for (const float loss : decoder.score(inputs, targets, 14, 16)) sum += static_cast<double>(loss);
  const std::uint64_t num_bytes = tokenizer.decode(targets).size();
  const logs::EvaluationRecord record = evaluations_in(whole_run()).back();
  EXPECT_NEAR(record.loss, sum / static_cast<double>(inputs.size()), 1e-12);
  EXPECT_EQ(record.num_bytes, num_bytes);
  EXPECT_NEAR(record.bits_per_byte, sum / std::log(2.0) / static_cast<double>(num_bytes), 1e-12);
}

TEST_F(HeldOut, ChangesNoStepOfTheRun) {
  const auto folder = new_run("without");
  train_tiny(folder, 1, false);
  const auto states = [](const std::filesystem::path& run) {
    std::vector<Digest> digests;
    for (const logs::RunRecord& record : logs::read_run_log(run / "run.log").records) {
      if (record.step) digests.push_back(record.step->state);
    }
    return digests;
  };
  EXPECT_EQ(states(folder), states(whole_run()));
}

TEST_F(HeldOut, HasTheSameBitsOnAnyNumberOfRanks) {
  for (const int ranks : {2, 3, 8}) {  // 7 grains: a rank of 8 has none
    const auto folder = new_run("ranks");
    train_on_ranks(folder, ranks, false);
    expect_whole(folder);
  }
}

TEST_F(HeldOut, HasTheSameBitsAfterAStopAndAResumeOnOtherRanks) {
  for (const int stop_after : {3, 4, 5, 8, 9, 10, 11}) {
    const auto folder = new_run("stopped");
    StopAt stop(stop_after, 15);
    train_on_ranks(folder, 1 + stop_after % 3, false, &stop);
    request_stop(0);
    train_on_ranks(folder, 1 + (stop_after + 1) % 3, true);
    expect_whole(folder);
  }
}

TEST_F(HeldOut, IsScoredAGrainAtATimeWhereNobodyAsksForMore) {
  const configs::TrainRecipe recipe = configs::resolve(config()).recipe().train();
  const data::TokenSet tokens = data::TokenSet::open(whole_run() / "shards", "held_out");
  const data::Tokenizer tokenizer = data::Tokenizer::load(whole_run() / "tokenizer" / "tokenizer.json");
  const std::size_t grain_tokens = std::size_t{recipe.grain_sequences()} * recipe.sequence_length();
  const auto largest_call = [&](int num_threads, std::int64_t tokens_per_call) {
    ThreadPool threads(num_threads);
    const auto communicator = dist::make_local_communicator();
    const HeldOutEvaluation evaluation(recipe, tokens, tokenizer, "held_out", threads, *communicator);
    std::mutex mutex;
    std::size_t largest = 0;
    const auto score = [&](std::span<const std::int32_t>, std::span<const std::int32_t> targets) {
      const std::lock_guard lock(mutex);
      largest = std::max(largest, targets.size());
      return std::vector<float>(targets.size(), 1.0f);
    };
    evaluation.run(5, score, tokens_per_call);
    return largest;
  };
  for (const int threads : {1, 3}) EXPECT_EQ(largest_call(threads, 0), grain_tokens);
  EXPECT_GT(largest_call(1, 1000), grain_tokens);
}

/// A tokenizer as of SentencePiece: every letter a piece, and a sign for each space, that before the first word too.
std::string letters_tokenizer() {
  std::string vocabulary = R"("<|endoftext|>": 0, "▁": 1)";
  for (char letter = 'a'; letter <= 'z'; ++letter) vocabulary += fmt::format(R"(, "{}": {})", letter, letter - 'a' + 2);
  const std::string metaspace =
      R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true})";
  return R"({"version": "1.0", "added_tokens": [{"id": 0, "content": "<|endoftext|>", "special": true}], )"
         R"("pre_tokenizer": )" +
         metaspace + R"(, "decoder": )" + metaspace + R"(, "model": {"type": "BPE", "vocab": {)" + vocabulary +
         R"(}, "merges": []}})";
}

TEST_F(HeldOut, CountsTheSpacesOfWordsThatADecoderDropsWhereATextBegins) {
  const data::Tokenizer tokenizer = data::Tokenizer::parse(letters_tokenizer(), "letters");
  const auto folder = new_run("letters");
  data::write_shards(folder / "data" / "train.jsonl.zst", tokenizer, folder / "letters", "held_out", 1, no_progress());
  const data::TokenSet tokens = data::TokenSet::open(folder / "letters", "held_out");
  ThreadPool threads(1);
  const auto communicator = dist::make_local_communicator();
  const HeldOutEvaluation evaluation(configs::resolve(config()).recipe().train(), tokens, tokenizer, "held_out",
                                     threads, *communicator);
  std::uint64_t num_characters = 0;  // each a token of one byte; the end of a text has none
  const auto score = [&](std::span<const std::int32_t>, std::span<const std::int32_t> targets) {
    num_characters += static_cast<std::uint64_t>(std::ssize(targets) - std::count(targets.begin(), targets.end(), 0));
    return std::vector<float>(targets.size(), 1.0f);
  };
  const logs::EvaluationRecord record = evaluation.run(5, score, 0);
  EXPECT_EQ(record.num_bytes, num_characters);
}

TEST_F(HeldOut, TakesWhatTheShardsHoldWhenThatIsLess) {
  const auto folder = new_run("less");
  train_tiny(folder, 1, false, tiny_config({"train.evaluation.sequences=100000"}));
  const std::uint64_t held = data::TokenSet::open(folder / "shards", "held_out").num_sequences(16);
  EXPECT_EQ(evaluations_in(folder).back().num_sequences, held / 2 * 2);
}

TEST_F(HeldOut, NeedsHeldOutShardsBeforeTheFirstStep) {
  const auto folder = new_run("none");
  std::filesystem::remove(folder / "shards" / "held_out-00000.h5");
  try {
    train_tiny(folder, 1, false, config());
    FAIL() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("held_out"));
    EXPECT_FALSE(std::filesystem::exists(folder / "run.log"));
  }
}

}  // namespace
}  // namespace reprise::train
