// Whatever moves the bytes between ranks, and wherever the ranks are, the checkpoints and run.log are the same.

#include <fmt/core.h>

#include <filesystem>
#include <fstream>

#include "program.h"
#include "reprise/core/files.h"
#include "whole_run.h"

namespace reprise::cli_test {
namespace {

namespace fs = std::filesystem;

class Transports : public ProgramTest {
 protected:
  /// Trains in a folder of its own and returns it.
  fs::path train(const std::string& name, const std::vector<std::string>& flags,
                 const std::vector<std::string>& environment = {}) {
    const fs::path run = folder_ / name;
    copy_prepared_run(run);
    std::vector<std::string> arguments = {"train", small_config(), "--out", run.string(), "--threads", "1"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const Outcome outcome = run_reprise(arguments, environment);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return run;
  }

  static void expect_whole(const fs::path& run) {
    EXPECT_EQ(checkpoint_roots(run), whole_run().roots);
    EXPECT_EQ(read_file(run / "run.log"), whole_run().run_log);
  }
};

TEST_F(Transports, NcclGivesTheBitsOfOneRank) {
  const std::string library = REPRISE_BINARY_DIR "/tests/libnccl_double.so";
  if (!fs::exists(library)) GTEST_SKIP() << "built without nccl.h";
  const std::vector<std::string> environment = {"REPRISE_BACKEND=nccl", "REPRISE_NCCL_LIBRARY=" + library,
                                                "REPRISE_CUDART_LIBRARY=" + library,
                                                "NCCL_DOUBLE_FOLDER=" + folder_.string()};
  expect_whole(train("nccl", {"--ranks", "3"}, environment));
  expect_whole(train("parts", {"--ranks", "2", "--set", "runtime.bucket_kib=16"}, environment));
}

// Two machines are played by one: the agent that mpirun calls in the place of ssh runs the command here.
TEST_F(Transports, RanksOnTheMachinesOfAHostfileGiveTheBitsOfOneRank) {
  const fs::path hostfile = folder_ / "hosts";
  const fs::path agent = folder_ / "agent";
  std::ofstream(hostfile) << "localhost slots=1\nelsewhere slots=2\n";
  std::ofstream(agent) << "#!/bin/sh\nshift\nexec sh -c \"$*\"\n";
  fs::permissions(agent, fs::perms::owner_all);
  expect_whole(train("hosts_run", {"--ranks", "3", "--hostfile", hostfile.string()},
                     {"OMPI_MCA_plm_rsh_agent=" + agent.string()}));
}

TEST_F(Transports, DryRunSaysWhatARankSends) {
  const auto plan_of = [](const char* ranks) {
    const Outcome outcome = run_reprise({"train", small_config(), "--ranks", ranks, "--dry-run", "--json"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return nlohmann::json::parse(outcome.out);
  };
  EXPECT_EQ(plan_of("1")["most_bytes_sent_per_step"], 0);
  // Two ranks send what a ring does: the bytes of the gradient, which is padded to chunks of 4,096 float32.
  const auto plan = plan_of("2");
  const auto bytes = plan["most_bytes_sent_per_step"].get<std::int64_t>();
  EXPECT_GE(bytes, plan["parameters"].get<std::int64_t>() * 4);
  EXPECT_EQ(bytes % (4096 * 4), 0);
  EXPECT_EQ(plan["most_grains_of_a_rank"].get<int>(), (plan["grains_per_step"].get<int>() + 1) / 2);
}

TEST_F(Transports, HostfileWithOneRankIsAUsageError) {
  const Outcome outcome =
      run_reprise({"train", small_config(), "--out", (folder_ / "run").string(), "--hostfile", "x"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("--hostfile was given, but only one rank is to run"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace reprise::cli_test
