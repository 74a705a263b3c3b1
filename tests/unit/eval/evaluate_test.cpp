// Evaluation end to end on a run folder with untrained checkpoints.
#include "reprise/eval/evaluate.h"

#include <fmt/core.h>

#include <cmath>

#include "decoder_scorer.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "reprise/logs/run_log.h"
#include "untrained_run.h"

namespace reprise::eval {
namespace {

class Evaluate : public UntrainedRunTest {
 protected:
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
};

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
    EXPECT_EQ(checkpoint.pairs[0].num_pairs, phenomenon_names().size());
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
  const auto groups = evaluate_pairs(*recipe_, options(2), 4, generate_suite(1), no_progress());
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

TEST_F(Evaluate, QuotesTheFolderInTheCommandsOfAHint) {
  EvalOptions nowhere = options(1, {3});
  nowhere.run_dir = "no such/run 1";
  try {
    evaluate_run(*recipe_, nowhere, no_progress());
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.hint(), testing::HasSubstr("`reprise checkpoint list 'no such/run 1'`"));
  }
}

TEST_F(Evaluate, RefusesACheckpointOfAnotherRecipe) {
  configs::Recipe other = *recipe_;
  other.set_seed(6);
  expect_error(other, options(1, {0}), ErrorKind::kCheckpoint, "another recipe");
}

/// A copy of the run, which its tests change.
class EvaluateChanged : public Evaluate {
 protected:
  void SetUp() override { std::filesystem::copy(*run_, copy_, std::filesystem::copy_options::recursive); }
  void TearDown() override { std::filesystem::remove_all(copy_); }

  EvalOptions changed(std::vector<std::uint64_t> steps) {
    EvalOptions changed = options(1, std::move(steps));
    changed.run_dir = copy_;
    return changed;
  }

  const std::filesystem::path copy_ = run_->string() + "-copy";
};

TEST_F(EvaluateChanged, RefusesShardsOfOtherData) {
  const std::filesystem::path shards = copy_ / "shards";
  std::filesystem::copy_file(shards / "held_out-00000.h5", shards / "train-00000.h5",
                             std::filesystem::copy_options::overwrite_existing);
  expect_error(*recipe_, changed({0}), ErrorKind::kCheckpoint, "step-000000.h5 was trained on token shards with root");
  std::filesystem::remove(shards / "train-00000.h5");
  EXPECT_EQ(evaluate_run(*recipe_, changed({0}), no_progress()).checkpoints.size(), 1u) << "held-out text is enough";
}

TEST_F(EvaluateChanged, ReadsNoTokensOfTrainingShardsForHeldOutText) {
  const std::filesystem::path shard = copy_ / "shards" / "train-00000.h5";
  const data::TokenSet set = data::TokenSet::open(copy_ / "shards", "train");
  std::string bytes = read_file(shard);
  const auto* const tokens = reinterpret_cast<const char*>(set.tokens().data());
  const std::size_t place = bytes.find(std::string_view(tokens, 64));
  ASSERT_NE(place, std::string::npos);
  bytes[place] = static_cast<char>(bytes[place] ^ 1);
  write_file_atomically(shard, bytes);
  EXPECT_EQ(evaluate_run(*recipe_, changed({0}), no_progress()).checkpoints.size(), 1u);
}

TEST_F(EvaluateChanged, RefusesAFileThatHoldsAnotherStep) {
  const std::filesystem::path folder = copy_ / "checkpoints";
  std::filesystem::rename(folder / "step-000004.h5", folder / "step-000002.h5");
  expect_error(*recipe_, changed({2}), ErrorKind::kCorrupt, "it holds step 4: ");
}

TEST_F(EvaluateChanged, RefusesATokenizerThatIsNotTheLogs) {
  logs::RunHeader header;
  header.tokenizer = data::Tokenizer::load(copy_ / "tokenizer" / "tokenizer.json").digest();
  logs::RunLogWriter::create(copy_ / "run.log", header);
  EXPECT_EQ(evaluate_run(*recipe_, changed({0}), no_progress()).checkpoints.size(), 1u);
  std::filesystem::remove(copy_ / "run.log");
  header.tokenizer = sha256("another");
  logs::RunLogWriter::create(copy_ / "run.log", header);
  expect_error(*recipe_, changed({0}), ErrorKind::kCheckpoint, "run.log names " + sha256("another").hex());
}

TEST_F(EvaluateChanged, AsksALogThatIsDamagedBehindItsHeaderForTheTokenizer) {
  logs::RunHeader header;
  header.tokenizer = sha256("another");
  logs::RunLogWriter::create(copy_ / "run.log", header);
  const std::filesystem::path log = copy_ / "run.log";
  write_file_atomically(log, read_file(log) + std::string(300, '\0'));
  expect_error(*recipe_, changed({0}), ErrorKind::kCheckpoint, "run.log names " + header.tokenizer.hex());
}

TEST_F(EvaluateChanged, TakesTheRecoveryFileOfAStepThatHasNoOther) {
  const std::filesystem::path folder = copy_ / "checkpoints";
  const checkpoints::LoadedCheckpoint loaded = checkpoints::read_checkpoint(folder / "step-000004.h5");
  std::filesystem::remove(folder / "step-000004.h5");
  checkpoints::write_checkpoint(folder, checkpoints::FileKind::kRecovery, loaded.info.header, loaded.layout,
                                loaded.digests, {{0, loaded.layout.num_chunks()}, loaded.weights, {}, {}, false},
                                *dist::make_local_communicator());
  const EvalResult result = evaluate_run(*recipe_, changed({4}), no_progress());
  EXPECT_EQ(result.checkpoints[0].checkpoint_root, checkpoints::read_info(folder / "recovery-000004.h5").root);
}

TEST_F(EvaluateChanged, SaysOfAStepThatIsNotThereWhatMakesIt) {
  const std::filesystem::path folder = copy_ / "checkpoints";
  logs::RunLogWriter log = logs::RunLogWriter::create(copy_ / "run.log", {});
  logs::StepRecord record;
  for (record.step = 1; record.step <= 3; ++record.step) log.append(record);
  const auto refusal = [&](std::uint64_t step) {
    try {
      evaluate_run(*recipe_, changed({step}), no_progress());
    } catch (const Error& error) {
      return error.formatted();
    }
    return std::string();
  };
  const auto resumes = testing::HasSubstr("train --resume"), replays = testing::HasSubstr("materialize");
  EXPECT_THAT(refusal(3), testing::AllOf(testing::HasSubstr("step-000003.h5 is missing"), replays, Not(resumes)));
  EXPECT_THAT(refusal(5), testing::AllOf(testing::HasSubstr("step-000005.h5 is missing"), resumes, Not(replays)));
  write_file_atomically(folder / "pruned.json", fmt::format(R"({{"format": "reprise.pruned.v1", "pruned": [{{"step": 1,
      "root": "{0}", "previous_root": "{0}", "what": "file"}}]}})",
                                                            Digest{}.hex()));
  EXPECT_THAT(refusal(1), testing::AllOf(testing::HasSubstr("step-000001.h5 was pruned"), replays, Not(resumes)));
  write_file_atomically(copy_ / "run.log", read_file(copy_ / "run.log") + std::string(64, '\0'));
  EXPECT_THAT(refusal(3), replays);
  EXPECT_THAT(refusal(5), testing::HasSubstr("error[corrupt]")) << "the damage may hide the step";
}

TEST_F(Evaluate, NamesTheShapesOfAFileOfAnotherModel) {
  configs::Recipe other = *recipe_;
  other.mutable_tokenizer()->set_vocab_size(320);
  EvalOptions of_file = options(1);
  of_file.file = *run_ / "checkpoints" / "step-000000.h5";
  expect_error(other, of_file, ErrorKind::kCheckpoint,
               "tensor 0 is model.embed_tokens.weight [300, 32] instead of model.embed_tokens.weight [320, 32]");
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

TEST_F(Evaluate, CountsDocumentsOfALanguageNamedAllOnceInTheBaselines) {
  const std::filesystem::path run = run_->string() + "-all";
  std::filesystem::copy(*run_, run, std::filesystem::copy_options::recursive);
  std::vector<data::Document> held_out;
  for (std::uint32_t i = 34; i < 40; ++i) {
    held_out.push_back(document_of(i));
    if (held_out.back().language == "es") held_out.back().language = "all";
  }
  write_part(run, "held_out", held_out, data::Tokenizer::load(run / "tokenizer" / "tokenizer.json"));
  const Baselines expected = compute_baselines(*run_, no_progress());
  const Baselines baselines = compute_baselines(run, no_progress());
  std::filesystem::remove_all(run);
  EXPECT_EQ(baselines.bigram.at("all"), expected.bigram.at("all"));
  EXPECT_EQ(baselines.five_gram.at("all"), expected.five_gram.at("all"));
}

}  // namespace
}  // namespace reprise::eval
