// `reprise bench step`: what it times is the step that `reprise train` makes.

#include <fmt/core.h>

#include "program.h"

namespace reprise::cli_test {
namespace {

constexpr const char* kShape = "32,1,2,48,300,16,10";

class Bench : public ProgramTest {
 protected:
  static nlohmann::json bench(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"bench", "step", "--json", "--steps", "4"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run_reprise(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.exit_code == 0 ? nlohmann::json::parse(outcome.out) : nlohmann::json();
  }

  /// The state digest that run.log has for a step.
  static std::string logged_state(const std::filesystem::path& run, int step) {
    const Outcome outcome = run_reprise({"log", "show", run.string(), "--json"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    const nlohmann::json log = nlohmann::json::parse(outcome.out);
    for (const nlohmann::json& record : log["steps"]) {
      if (record["step"] == step) return record["state"];
    }
    return "no record of the step";
  }
};

TEST_F(Bench, ItsStateIsTheOneThatTrainLogs) {
  const std::string folder = (folder_ / "bench").string();
  const nlohmann::json result =
      bench({"--shape", kShape, "--grain-sequences", "2", "--threads", "2", "--keep", folder});
  EXPECT_EQ(result["step"], 4);
  EXPECT_GT(result["tokens_per_second"], 0.0);
  const Outcome train = run_reprise({"train", folder + "/bench.pbtxt", "--out", folder, "--threads", "1"});
  ASSERT_EQ(train.exit_code, 0) << train.err;
  EXPECT_EQ(result["state_digest"], logged_state(folder, 4));
}

TEST_F(Bench, ARunFolderIsTimedWithItsOwnRecipeAndData) {
  const std::filesystem::path run = folder_ / "run";
  copy_prepared_run(run);
  const Outcome train = run_reprise({"train", small_config(), "--out", run.string(), "--threads", "2"});
  ASSERT_EQ(train.exit_code, 0) << train.err;
  // The learning rate depends on the number of steps, so the comparison is with the step that both schedules share.
  const nlohmann::json first = bench({"--run", run.string()});
  const nlohmann::json again = bench({"--run", run.string(), "--threads", "3", "--grains-per-forward", "2"});
  EXPECT_EQ(first["state_digest"], again["state_digest"]);
  EXPECT_EQ(first["shape"], again["shape"]);
}

TEST_F(Bench, AShapeThatIsNoModelIsRefusedWithEveryMistake) {
  const Outcome outcome = run_reprise({"bench", "step", "--shape", "33,1,2,48,300,16,10"});
  EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
  EXPECT_NE(outcome.err.find("hidden_size"), std::string::npos) << outcome.err;
  const Outcome few = run_reprise({"bench", "step", "--shape", "32,1"});
  EXPECT_EQ(few.exit_code, 2);
  EXPECT_NE(few.err.find("hint: D,LAYERS,HEADS,FFN,VOCAB,SEQ,SEQUENCES"), std::string::npos) << few.err;
}

TEST_F(Bench, LeavesNothingBehindUnlessAsked) {
  const auto temporary = folder_ / "tmp";
  std::filesystem::create_directories(temporary);
  const Outcome outcome =
      run_reprise({"bench", "step", "--shape", kShape, "--steps", "2"}, {"TMPDIR=" + temporary.string()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(std::filesystem::is_empty(temporary));
}

}  // namespace
}  // namespace reprise::cli_test
