// Evaluation end to end on a run folder with untrained checkpoints.
#include "reprise/eval/evaluate.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "decoder_scorer.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/philox.h"
#include "reprise/data_pipeline/document_file.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "reprise/model/schema.h"

namespace reprise::eval {
namespace {

constexpr char kConfig[] = R"(
recipe {
  name: "eval_test"
  seed: 5
  data { file { path: "none.jsonl" sha256: "0000000000000000000000000000000000000000000000000000000000000000" } }
  tokenizer { vocab_size: 300 }
  model { hidden_size: 32 num_layers: 1 num_heads: 2 ffn_size: 48 }
  train {
    sequence_length: 16 batch_sequences: 2 grain_sequences: 2 num_steps: 4
    learning_rate { peak: 3e-3 }
    checkpoints { interval: 4 anchor_interval: 4 }
  }
  eval { num_checkpoints: 3 pairs_per_phenomenon: 4 }
}
)";

data::Document document_of(std::uint32_t index) {
  static const char* const kWords[] = {"the", "old", "king", "took", "a", "sword", "and", "went", "to", "battle"};
  data::Document document;
  document.id = fmt::format("document-{:03}", index);
  document.source = "synthetic";
  document.kind = "natural";
  document.language = index % 3 == 0 ? "es" : "en";
  document.source_file = "none.jsonl";
  document.source_line = index + 1;
  for (std::uint32_t i = 0; i < 40 + index; ++i) {
    const PhiloxCounter words = philox4x32_10({static_cast<std::uint32_t>(RandomPurpose::kTest), index, i, 0}, {8, 0});
    if (i > 0) document.text += ' ';
    document.text += kWords[words[0] % 10];
  }
  return document;
}

void write_part(const std::filesystem::path& run, const std::string& stem, const std::vector<data::Document>& documents,
                const data::Tokenizer& tokenizer) {
  std::vector<const data::Document*> pointers;
  for (const data::Document& document : documents) pointers.push_back(&document);
  const std::filesystem::path path = run / "data" / (stem + ".jsonl.zst");
  data::write_documents(path, pointers);
  data::write_shards(path, tokenizer, run / "shards", stem, 1, no_progress());
}

void write_step(const std::filesystem::path& run, const configs::Recipe& recipe, std::uint64_t step,
                std::uint64_t seed) {
  const TensorLayout layout = model::parameter_layout(recipe.model(), recipe.tokenizer().vocab_size(), false);
  std::vector<float> weights(static_cast<std::size_t>(layout.num_elements()));
  model::initialize_parameters(layout, recipe.model(), seed, weights);
  const std::vector<float> moments(weights.size(), 0.0f);
  const ChunkRange all{0, layout.num_chunks()};
  const checkpoints::StateDigests digests{chunk_digests(layout, all, weights), chunk_digests(layout, all, moments),
                                          chunk_digests(layout, all, moments)};
  checkpoints::Header header;
  header.step = step;
  header.recipe_hash = configs::recipe_hash(recipe);
  const auto communicator = dist::make_local_communicator();
  checkpoints::write_checkpoint(run / "checkpoints", checkpoints::FileKind::kScheduled, header, layout, digests,
                                {weights, moments, moments, all, false}, *communicator);
}

/// One run folder for all tests, which only read it.
class Evaluate : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    run_ = new std::filesystem::path(std::filesystem::temp_directory_path() /
                                     fmt::format("reprise-evaluate-{}", getpid()));
    recipe_ = new configs::Recipe(configs::parse_config(kConfig, "eval_test").recipe());
    for (const char* name : {"data", "tokenizer", "shards", "checkpoints"}) make_folders(*run_ / name);
    std::vector<data::Document> train, held_out;
    for (std::uint32_t i = 0; i < 40; ++i) (i < 34 ? train : held_out).push_back(document_of(i));
    const data::TextSource texts = [&](const std::function<void(std::string_view)>& visit) {
      for (const data::Document& document : train) visit(document.text);
    };
    const data::Tokenizer tokenizer = data::train_tokenizer(
        configs::resolve(configs::parse_config(kConfig, "eval_test")).recipe().tokenizer(), texts, 1, no_progress());
    write_file_atomically(*run_ / "tokenizer" / "tokenizer.json", tokenizer.json());
    write_part(*run_, "train", train, tokenizer);
    write_part(*run_, "held_out", held_out, tokenizer);
    for (const std::uint64_t step : {0, 2, 4}) write_step(*run_, *recipe_, step, 100 + step);
  }

  static void TearDownTestSuite() {
    std::filesystem::remove_all(*run_);
    delete run_;
    delete recipe_;
  }

  static EvalOptions options(int num_threads, std::vector<std::uint64_t> steps = {}) {
    EvalOptions options;
    options.run_dir = *run_;
    options.num_threads = num_threads;
    options.steps = std::move(steps);
    return options;
  }

  static void expect_error(const configs::Recipe& recipe, const EvalOptions& options, ErrorKind kind,
                           const std::string& text) {
    try {
      evaluate_run(recipe, options, no_progress());
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind);
      EXPECT_THAT(error.what(), testing::HasSubstr(text));
      EXPECT_FALSE(error.hint().empty());
    }
  }

  static std::filesystem::path* run_;
  static configs::Recipe* recipe_;
};

std::filesystem::path* Evaluate::run_ = nullptr;
configs::Recipe* Evaluate::recipe_ = nullptr;

TEST_F(Evaluate, ScoresTheRecipesCheckpointsInOrder) {
  const EvalResult result = evaluate_run(*recipe_, options(1), no_progress());
  ASSERT_EQ(result.checkpoints.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const CheckpointResult& checkpoint = result.checkpoints[i];
    EXPECT_EQ(checkpoint.step, 2 * i);
    EXPECT_EQ(checkpoint.checkpoint_root,
              checkpoints::read_info(*run_ / "checkpoints" / fmt::format("step-{:06}.h5", 2 * i)).root);
    ASSERT_EQ(checkpoint.held_out.size(), 3u);
    EXPECT_EQ(checkpoint.held_out[1].name, "en");
    EXPECT_EQ(checkpoint.held_out[2].name, "es");
    EXPECT_EQ(checkpoint.pairs.size(), 1 + phenomenon_names().size());
    EXPECT_EQ(checkpoint.pairs[0].num_pairs, 4 * phenomenon_names().size());
  }
  EXPECT_NE(result.checkpoints[0].held_out[0].nll_nats, result.checkpoints[2].held_out[0].nll_nats);
}

TEST_F(Evaluate, PaysForATokenOfAnUntrainedModelAboutTheLogOfTheVocabulary) {
  const EvalResult result = evaluate_run(*recipe_, options(1, {0}), no_progress());
  std::uint64_t num_bytes = 0;
  for (std::uint32_t i = 34; i < 40; ++i) num_bytes += document_of(i).text.size();
  const HeldOutGroup& all = result.checkpoints[0].held_out[0];
  EXPECT_EQ(all.num_documents, 6u);
  EXPECT_EQ(all.num_bytes, num_bytes);
  EXPECT_NEAR(all.nll_nats / static_cast<double>(all.num_tokens), std::log(300.0), 0.1);
}

TEST_F(Evaluate, GivesTheSameHashOnAnyNumberOfThreadsAndForAnySetOfSteps) {
  const EvalResult one = evaluate_run(*recipe_, options(1, {2}), no_progress());
  EXPECT_EQ(result_hash(evaluate_run(*recipe_, options(3, {2}), no_progress())), result_hash(one));
  EvalResult among_others = evaluate_run(*recipe_, options(2, {4, 2, 0, 2}), no_progress());
  ASSERT_EQ(among_others.checkpoints.size(), 3u);
  among_others.checkpoints = {among_others.checkpoints[1]};
  EXPECT_EQ(result_hash(among_others), result_hash(one));
}

TEST_F(Evaluate, LeavesOutATaskThatWasNotAskedFor) {
  EvalOptions pairs_only = options(1, {0});
  pairs_only.held_out = false;
  const EvalResult result = evaluate_run(*recipe_, pairs_only, no_progress());
  EXPECT_TRUE(result.checkpoints[0].held_out.empty());
  EXPECT_FALSE(result.checkpoints[0].pairs.empty());
}

TEST_F(Evaluate, ScoresGivenPairsAsItScoresTheSuite) {
  const EvalResult result = evaluate_run(*recipe_, options(1, {4}), no_progress());
  const auto groups = evaluate_pairs(*recipe_, options(2), 4, generate_suite(4), no_progress());
  ASSERT_EQ(groups.size(), result.checkpoints[0].pairs.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    EXPECT_EQ(groups[i].name, result.checkpoints[0].pairs[i].name);
    EXPECT_EQ(groups[i].num_correct, result.checkpoints[0].pairs[i].num_correct);
  }
}

TEST_F(Evaluate, GivesATokenTheSameLossAloneAndInABatch) {
  DecoderScorer scorer(*recipe_);
  scorer.load(checkpoints::read_checkpoint(*run_ / "checkpoints" / "step-000000.h5"));
  std::vector<TokenStream> streams;
  for (std::int32_t i = 0; i < 30; ++i) {
    TokenStream& stream = streams.emplace_back();
    for (std::int32_t j = 0; j < 2 + i; ++j) stream.push_back((i * 31 + j * 17) % 300);
  }
  ThreadPool pool(2);
  const auto together = score_streams(scorer, streams, 16, pool);
  for (std::size_t i = 0; i < streams.size(); ++i) {
    EXPECT_EQ(score_streams(scorer, std::vector<TokenStream>{streams[i]}, 16, pool)[0], together[i]) << i;
  }
}

TEST_F(Evaluate, NamesAMissingCheckpoint) {
  expect_error(*recipe_, options(1, {3}), ErrorKind::kCheckpoint, "no checkpoint of step 3");
}

TEST_F(Evaluate, RefusesACheckpointOfAnotherRecipe) {
  configs::Recipe other = *recipe_;
  other.set_seed(6);
  expect_error(other, options(1, {0}), ErrorKind::kCheckpoint, "another recipe");
}

TEST_F(Evaluate, RefusesASuiteThatIsNotTheRecipes) {
  configs::Recipe other = *recipe_;
  other.mutable_eval()->set_suite_sha256(std::string(64, '0'));
  expect_error(other, options(1, {0}), ErrorKind::kConfig, "not the recipe's");
}

TEST_F(Evaluate, ComputesBaselinesByGroup) {
  const Baselines baselines = compute_baselines(*run_, no_progress());
  for (const auto* values : {&baselines.bigram, &baselines.five_gram}) {
    ASSERT_EQ(values->size(), 3u);
    // Ten words drawn evenly: log2(10) bits for each word and its space, 4.7 bytes on average.
    EXPECT_NEAR(values->at("all"), std::log2(10.0) / 4.7, 0.25);
    EXPECT_EQ(values->count("es"), 1u);
  }
  EXPECT_EQ(baselines.xz.size(), 2u);
  EXPECT_GT(baselines.xz.at("en"), 0.4);
  EXPECT_LT(baselines.xz.at("en"), 1.5);
}

}  // namespace
}  // namespace reprise::eval
