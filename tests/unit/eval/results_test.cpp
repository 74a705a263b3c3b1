// eval/results.json and the hash of a result.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/eval/evaluate.h"

namespace reprise::eval {
namespace {

class Results : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    run_ = std::filesystem::temp_directory_path() / fmt::format("reprise-results-{}-{}", test->name(), getpid());
    make_folders(run_);
  }
  void TearDown() override { std::filesystem::remove_all(run_); }

  std::filesystem::path file() const { return run_ / "eval" / "results.json"; }

  void replace(std::string_view from, std::string_view to) {
    std::string text = read_file(file());
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    write_file_atomically(file(), text);
  }

  void expect_corrupt(std::string_view what) {
    try {
      read_results(run_);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kCorrupt);
      EXPECT_THAT(error.what(), testing::HasSubstr("results.json"));
      EXPECT_THAT(error.what(), testing::HasSubstr(std::string(what)));
    }
  }

  std::filesystem::path run_;
};

EvalResult sample() {
  EvalResult result;
  result.suite = sha256("suite");
  CheckpointResult checkpoint;
  checkpoint.step = 300;
  checkpoint.checkpoint_root = sha256("root");
  checkpoint.held_out = {{"all", 3, 90, 400, 0.1 + 0.2, 1.0 / 3},
                         {"C++ \"x\"", 1, 40, 150, std::nextafter(2.0, 3.0), 5e-324}};
  checkpoint.pairs = {{"all", 4, 3}, {"word_order", 4, 3}};
  result.checkpoints = {{}, checkpoint};
  return result;
}

TEST_F(Results, ReadBackBitForBit) {
  const EvalResult written = sample();
  write_results(run_, written);
  const EvalResult read = read_results(run_);
  EXPECT_EQ(read.suite, written.suite);
  ASSERT_EQ(read.checkpoints.size(), 2u);
  EXPECT_EQ(read.checkpoints[1].checkpoint_root, written.checkpoints[1].checkpoint_root);
  EXPECT_EQ(read.checkpoints[1].held_out[0].nll_nats, 0.1 + 0.2);
  EXPECT_EQ(read.checkpoints[1].held_out[1].name, "C++ \"x\"");
  EXPECT_EQ(read.checkpoints[1].held_out[1].bits_per_byte, 5e-324);
  EXPECT_EQ(read.checkpoints[1].pairs[1].num_correct, 3u);
  EXPECT_EQ(result_hash(read), result_hash(written));
}

TEST_F(Results, AreTheSameBytesWhenWrittenAgain) {
  write_results(run_, sample());
  const std::string first = read_file(file());
  write_results(run_, read_results(run_));
  EXPECT_EQ(read_file(file()), first);
  EXPECT_THAT(first, testing::HasSubstr("\"nll_nats\": 0.30000000000000004, \"nll_nats_bits\": \"3fd3333333333334\""));
}

TEST_F(Results, RefuseAChangedCount) {
  write_results(run_, sample());
  replace("\"correct\": 3", "\"correct\": 4");
  expect_corrupt("result_hash");
}

TEST_F(Results, RefuseADecimalThatIsNotItsBits) {
  write_results(run_, sample());
  replace("0.30000000000000004", "0.30000000000000009");
  expect_corrupt("nll_nats and its bits differ");
}

TEST_F(Results, RefuseATruncatedFile) {
  write_results(run_, sample());
  const std::string text = read_file(file());
  write_file_atomically(file(), text.substr(0, text.size() / 2));
  expect_corrupt("");
}

TEST_F(Results, RefuseAnotherFormat) {
  write_results(run_, sample());
  replace("reprise.eval.v1", "reprise.eval.v9");
  expect_corrupt("format");
}

TEST_F(Results, RefuseACountThatIsNoWholeNumber) {
  write_results(run_, sample());
  replace("\"documents\": 3", "\"documents\": -3");
  expect_corrupt("documents");
}

TEST_F(Results, RefuseListsThatAreTooDeep) {
  write_results(run_, sample());
  replace("\"documents\": 3", "\"documents\": " + std::string(200'000, '[') + std::string(200'000, ']'));
  expect_corrupt("nest more than");
}

TEST(ResultHash, CoversEveryField) {
  const Digest hash = result_hash(sample());
  const auto changed = [&](const std::function<void(CheckpointResult&)>& change) {
    EvalResult result = sample();
    change(result.checkpoints[1]);
    return result_hash(result) != hash;
  };
  EXPECT_TRUE(changed([](CheckpointResult& c) { c.step = 301; }));
  EXPECT_TRUE(changed([](CheckpointResult& c) { c.checkpoint_root = sha256("other"); }));
  EXPECT_TRUE(changed([](CheckpointResult& c) { c.held_out[0].name = "every"; }));
  EXPECT_TRUE(changed([](CheckpointResult& c) { ++c.held_out[0].num_documents; }));
  EXPECT_TRUE(changed([](CheckpointResult& c) { ++c.held_out[0].num_tokens; }));
  EXPECT_TRUE(changed([](CheckpointResult& c) { ++c.held_out[0].num_bytes; }));
  EXPECT_TRUE(
      changed([](CheckpointResult& c) { c.held_out[0].nll_nats = std::nextafter(c.held_out[0].nll_nats, 1.0); }));
  EXPECT_TRUE(changed([](CheckpointResult& c) { c.held_out[0].bits_per_byte += 1; }));
  EXPECT_TRUE(changed([](CheckpointResult& c) { c.pairs[0].num_pairs = 5; }));
  EXPECT_TRUE(changed([](CheckpointResult& c) { c.pairs[0].num_correct = 2; }));
  EXPECT_TRUE(changed([](CheckpointResult& c) { c.pairs.pop_back(); }));
  EXPECT_TRUE(changed([](CheckpointResult& c) { c.held_out.pop_back(); }));
}

TEST(Differences, NameEveryFigureThatIsAnotherThanTheStoredOne) {
  const CheckpointResult stored = sample().checkpoints[1];
  CheckpointResult computed = stored;
  EXPECT_TRUE(differences(stored, computed).empty());
  computed.held_out[1].bits_per_byte = 0.5;
  computed.pairs[0].num_correct = 2;
  const std::vector<std::string> found = differences(stored, computed);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_THAT(found[0], testing::HasSubstr("step 300, C++ \"x\": 0.5 bits per byte"));
  EXPECT_THAT(found[0], testing::HasSubstr("stored: 5e-324 bits per byte"));
  EXPECT_EQ(found[1], "step 300, all: 2 of 4 minimal pairs right; stored: 3 of 4 minimal pairs right");
  computed = stored;
  computed.checkpoint_root = sha256("other");
  EXPECT_THAT(differences(stored, computed), testing::ElementsAre(testing::HasSubstr(sha256("other").hex())));
}

TEST(Differences, PassOverATaskThatWasNotComputed) {
  const CheckpointResult stored = sample().checkpoints[1];
  CheckpointResult computed = stored;
  computed.held_out.clear();
  EXPECT_TRUE(differences(stored, computed).empty());
  computed.pairs.pop_back();
  EXPECT_TRUE(differences(stored, computed).empty());
}

configs::Recipe recipe_with(std::uint32_t num_steps, std::uint32_t interval, std::uint32_t num_checkpoints) {
  configs::Recipe recipe;
  recipe.mutable_train()->set_num_steps(num_steps);
  recipe.mutable_train()->mutable_checkpoints()->set_interval(interval);
  recipe.mutable_eval()->set_num_checkpoints(num_checkpoints);
  return recipe;
}

TEST(EvalSteps, AreEvenlySpacedFromTheFirstToTheLast) {
  const std::vector<std::uint64_t> steps = eval_steps(recipe_with(600, 3, 21));
  ASSERT_EQ(steps.size(), 21u);
  for (std::size_t i = 0; i < steps.size(); ++i) EXPECT_EQ(steps[i], 30 * i);
}

TEST(EvalSteps, TakeTheNearestScheduledOneAndTheEarlierOfTwo) {
  // Scheduled: 0 1 2 4 5 8 10. Wanted: 0, 2.5, 5, 7.5, 10.
  EXPECT_THAT(eval_steps(recipe_with(10, 5, 5)), testing::ElementsAre(0, 2, 5, 8, 10));
  // Scheduled: 0 1 2 3. Wanted: 0, 1.5, 3.
  EXPECT_THAT(eval_steps(recipe_with(3, 1, 3)), testing::ElementsAre(0, 1, 3));
}

TEST(EvalSteps, AreAllScheduledOnesOfAShortRun) {
  EXPECT_THAT(eval_steps(recipe_with(6, 4, 21)), testing::ElementsAre(0, 1, 2, 4, 6));
  EXPECT_THAT(eval_steps(recipe_with(6, 4, 7)), testing::ElementsAre(0, 1, 2, 4, 6));
}

TEST(EvalSteps, AreFoundAtOnceHoweverManyAreWanted) {
  const auto many = std::numeric_limits<std::uint32_t>::max();
  EXPECT_THAT(eval_steps(recipe_with(6, 4, many)), testing::ElementsAre(0, 1, 2, 4, 6));
}

TEST(EvalSteps, AreAmongThoseThatTrainingStores) {
  configs::Recipe recipe = recipe_with(600, 6, 21);
  recipe.mutable_train()->mutable_checkpoints()->set_per_doubling(0);
  recipe.mutable_train()->mutable_checkpoints()->add_step(299);
  const std::vector<std::uint64_t> steps = eval_steps(recipe);
  for (const std::uint64_t step : steps) EXPECT_TRUE(step % 6 == 0 || step == 299) << step;
  recipe.mutable_train()->mutable_checkpoints()->set_interval(100);
  EXPECT_THAT(eval_steps(recipe), testing::ElementsAre(0, 100, 200, 299, 300, 400, 500, 600));
}

}  // namespace
}  // namespace reprise::eval
