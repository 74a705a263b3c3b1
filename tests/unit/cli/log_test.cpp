// Logs as a user reads them: while they grow, as figures for other tools, and deeper, by replay.

#include <fmt/core.h>

#include <cmath>
#include <future>
#include <map>
#include <sstream>

#include "program.h"
#include "reprise/core/files.h"
#include "sample_log.h"

namespace reprise::cli_test {
namespace {

using nlohmann::json;

class Log : public ProgramTest {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void train(const std::vector<std::string>& more = {}) const {
    if (more.empty()) return copy_trained_run(folder_ / "run");
    copy_prepared_run(folder_ / "run");
    std::vector<std::string> arguments = {"train", small_config(), "--out", path("run"), "--threads", "2", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome trained = run_reprise(arguments);
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  }
  json log() const { return json::parse(run_reprise({"log", "show", path("run"), "--json"}).out); }
  json statistics(int step, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"log",    "statistics", path("run"), "--step", std::to_string(step),
                                          "--json", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run_reprise(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return json::parse(outcome.out);
  }
};

/// The step numbers at the beginnings of lines.
std::vector<int> steps_in(const std::string& text) {
  std::vector<int> steps;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    int step = 0;
    if (words >> step) steps.push_back(step);
  }
  return steps;
}

const json& named(const json& list, const std::string& name) {
  for (const json& entry : list) {
    if (entry.at("name") == name) return entry;
  }
  throw std::runtime_error("there is no " + name);
}

TEST_F(Log, IsFollowedAcrossAKillAndAResumeToTheLastStepEachStepOnce) {
  copy_prepared_run(folder_ / "run");
  auto follower = std::async(std::launch::async, [&] {
    return run_reprise({"log", "show", path("run"), "--follow", "--tail", "0"});
  });
  auto session = std::async(std::launch::async, [&] {
    return run_reprise({"log", "show", path("run"), "--follow", "--session"});
  });
  const Outcome killed = run_reprise({"train", small_config(), "--out", path("run"), "--threads", "1", "--quiet"},
                                     {"REPRISE_FAULT=compute:100:0"});
  EXPECT_NE(killed.exit_code, 0) << "the run was not killed";
  EXPECT_EQ(run_reprise({"train", "--resume", path("run"), "--ranks", "2", "--threads", "1", "--quiet"}).exit_code, 0);
  const Outcome followed = follower.get();
  EXPECT_EQ(followed.exit_code, 0) << followed.err;
  std::vector<int> expected;
  for (int step = 1; step <= 24; ++step) expected.push_back(step);
  EXPECT_EQ(steps_in(followed.out), expected) << followed.out;
  const Outcome events = session.get();
  EXPECT_EQ(events.exit_code, 0) << events.err;
  EXPECT_NE(events.out.find("resume"), std::string::npos) << events.out;
}

TEST_F(Log, SessionFiguresSayWhatTheTimeWentInto) {
  train();
  const Outcome outcome =
      run_reprise({"log", "export", path("run"), "--session", "--format", "jsonl", "--peak-gflops", "2"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  std::istringstream lines(outcome.out);
  double steps = 0, flops_per_token = 0;
  for (std::string line; std::getline(lines, line);) {
    const json event = json::parse(line);
    const json& figures = event["figures"];
    if (event["kind"] == "start") flops_per_token = figures["model_flops_per_token"];
    if (event["kind"] != "step") continue;
    steps += figures["steps"].get<double>();
    const double rate = figures["tokens_per_second"];
    EXPECT_DOUBLE_EQ(figures["model_gflops_per_second"].get<double>(), flops_per_token * rate * 1e-9);
    EXPECT_EQ(figures["mfu"].get<double>(), figures["model_gflops_per_second"].get<double>() / 2);
    EXPECT_GT(figures["peak_memory_bytes_rank_0"], 10e6);
    for (const char* name : {"data_seconds", "checkpoint_seconds", "checkpoint_wait_seconds"}) {
      EXPECT_GE(figures[name], 0) << name;
      EXPECT_LE(figures[name], figures["seconds"]) << name;
    }
  }
  EXPECT_EQ(steps, 24);
  // 2 layers: 4 * 32^2 + 3 * 32 * 64 weights and 2 * 16.5 * 32 pairs each; 5 norms of 32 and 4 of q and k; the head.
  const double weights = 2 * (4 * 32 * 32 + 3 * 32 * 64 + 4 * 32) + 32 + 512 * 32;
  EXPECT_EQ(flops_per_token, 6 * weights + 12 * 16.5 * 32 * 2);
}

TEST_F(Log, TakesAPeakAboveZeroAndOnlyForTheSession) {
  const Outcome none = run_reprise({"log", "show", path("run"), "--session", "--peak-gflops", "0"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_NE(none.err.find("0 is not a number above 0"), std::string::npos) << none.err;
  const Outcome ignored = run_reprise({"log", "show", path("run"), "--peak-gflops", "5"});
  EXPECT_EQ(ignored.exit_code, 2);
  EXPECT_NE(ignored.err.find("--session"), std::string::npos) << ignored.err;
}

TEST_F(Log, ExportsThePerplexityOfEveryStep) {
  train();
  const Outcome outcome = run_reprise({"log", "export", path("run"), "--format", "jsonl"});
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);) {
    const json step = json::parse(line);
    const double expected = std::exp(step["loss"].get<double>());
    EXPECT_NEAR(step["perplexity"].get<double>(), expected, 1e-8 * expected);
  }
  const Outcome csv = run_reprise({"log", "export", path("run"), "--session", "--format", "csv"});
  EXPECT_EQ(csv.out.substr(0, csv.out.find(',')), "step");
  const Outcome board =
      run_reprise({"log", "export", path("run"), "--session", "--format", "tensorboard", "--out", path("board")});
  EXPECT_EQ(board.exit_code, 0) << board.err;
  EXPECT_GT(std::filesystem::file_size(board.out.substr(0, board.out.find('\n'))), 100u);
}

TEST_F(Log, StatisticsOfTheFirstStepAreWhatTheRecipeMakesThem) {
  train();
  const json first = statistics(1);
  const json record = log()["steps"][0];
  EXPECT_EQ(first["state"], record["state"]);
  double squares = 0;
  for (const json& tensor : first["tensors"]) {
    const double rms = tensor["gradient"]["rms"];
    squares += tensor["gradient"]["count"].get<double>() * rms * rms;
    // The first moments are a tenth of the clipped gradient.
    EXPECT_NEAR(tensor["first_moments"]["rms"].get<double>(), 0.1 * record["clip_factor"].get<double>() * rms,
                1e-5 * rms);
  }
  EXPECT_NEAR(std::sqrt(squares), record["gradient_norm"].get<double>(), 1e-5);
  const json& norm = named(first["tensors"], "model.norm.weight");
  EXPECT_EQ(norm["weights"]["count"], 32);
  // AdamW's first update is the learning rate whatever the gradient, and a tenth of it more, the decay of weights of 1.
  EXPECT_NEAR(norm["update"]["max_abs"].get<double>(), 1.1 * record["learning_rate"].get<double>(), 1e-6);
  const json& activations = first["activations"];
  const auto mean = [&](const std::string& name) { return named(activations, name)["mean"].get<double>(); };
  EXPECT_NEAR(mean("layers.0.residual"), mean("embedding") + mean("layers.0.attention") + mean("layers.0.feed_forward"),
              1e-8);
  EXPECT_NEAR(mean("layers.1.residual"),
              mean("layers.0.residual") + mean("layers.1.attention") + mean("layers.1.feed_forward"), 1e-8);
  EXPECT_NEAR(named(activations, "final_norm")["rms"].get<double>(), 1, 0.01) << "its weights are 1";
  EXPECT_EQ(named(activations, "layers.1.residual")["count"], 7 * 32 * 32);
  EXPECT_EQ(named(activations, "logits")["count"], 7 * 32 * 512);
  EXPECT_NEAR(named(activations, "embedding")["rms"].get<double>(), 0.02, 0.001);
}

TEST_F(Log, StatisticsAreTheSameForAnyThreadsAndForAStepAloneOrInARange) {
  train();
  const json one = statistics(9, {"--threads", "1"});
  EXPECT_EQ(one, statistics(9, {"--threads", "3"}));
  const Outcome range = run_reprise(
      {"log", "statistics", path("run"), "--from", "3", "--to", "11", "--every", "3", "--quiet", "--threads", "2"});
  ASSERT_EQ(range.exit_code, 0) << range.err;
  std::istringstream lines(range.out);
  std::map<int, json> by_step;
  for (std::string line; std::getline(lines, line);) {
    const json statistics = json::parse(line);
    by_step[statistics["step"].get<int>()] = statistics;
  }
  EXPECT_EQ(by_step.size(), 3u);
  EXPECT_EQ(by_step[9], one);
}

TEST_F(Log, StatisticsOfAStepThatTheLogDoesNotHoldNameThatStepAndThoseThatMayBeAskedFor) {
  train();
  for (const char* step : {"25", "99"}) {
    const Outcome late = run_reprise({"log", "statistics", path("run"), "--step", step});
    EXPECT_EQ(late.exit_code, 4);
    EXPECT_NE(late.err.find(fmt::format("ends at step 24; step {} is not in it", step)), std::string::npos) << late.err;
    EXPECT_NE(late.err.find("ask for a step from 1 to 24"), std::string::npos) << late.err;
  }
}

/// Logs of four steps that nobody trained, to be held against each other.
class LogDiff : public Log {
 protected:
  void SetUp() override {
    Log::SetUp();
    for (const char* run : {"a", "b"}) std::filesystem::create_directory(folder_ / run);
    logs::write_sample_log(folder_ / "a" / "run.log", 4);
  }
  void expect_differs(const std::string& what) const {
    const Outcome outcome = run_reprise({"log", "diff", path("a"), path("b")});
    EXPECT_EQ(outcome.exit_code, 1) << outcome.out << outcome.err;
    EXPECT_NE(outcome.out.find("4 step(s) are the same\n"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find(what), std::string::npos) << outcome.out;
  }
};

TEST_F(LogDiff, NamesACheckpointWithAnotherRootAndOneThatIsLacking) {
  auto writer = logs::RunLogWriter::create(folder_ / "b" / "run.log", logs::sample_header());
  writer.append(logs::sample_checkpoint(0));
  for (std::uint64_t step = 1; step <= 4; ++step) {
    writer.append(logs::sample_step(step));
    if (step == 2) writer.append(logs::CheckpointRecord{2, sha256("another root")});
  }
  expect_differs("first record that differs: 5\n  bytes              checkpoint of step 2, root ");
  std::filesystem::remove(folder_ / "b" / "run.log");
  logs::write_sample_log(folder_ / "b" / "run.log", 3);
  auto shorter = logs::RunLogWriter::resume(folder_ / "b" / "run.log", 3);
  shorter.append(logs::sample_step(4));
  expect_differs("first record that differs: 8\n  bytes              checkpoint of step 4, root ");
}

TEST_F(LogDiff, NamesAnEndThatIsCutOffAndALogThatIsShorter) {
  const std::string log = read_file(folder_ / "a" / "run.log");
  logs::overwrite(folder_ / "b" / "run.log", log + log.substr(0, 20));
  expect_differs("the second log ends in a record that is not whole");
  std::filesystem::remove(folder_ / "b" / "run.log");
  logs::write_sample_log(folder_ / "b" / "run.log", 3);
  const Outcome shorter = run_reprise({"log", "diff", path("a"), path("b")});
  EXPECT_EQ(shorter.exit_code, 1);
  EXPECT_EQ(shorter.out, "3 step(s) are the same\nthe logs end at steps 4 and 3\n");
}

}  // namespace
}  // namespace reprise::cli_test
