// The Slurm scripts, run by bash with an srun and an scontrol that write down how they were called.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const fs::path kScripts = fs::path(REPRISE_SOURCE_DIR) / "scripts" / "slurm";

struct Outcome {
  int status = 0;
  std::string output;  // stdout and stderr
};

class SlurmScriptsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("reprise_slurm_" + std::to_string(::getpid()));
    fs::create_directories(folder_ / "bin");
    fs::create_directories(folder_ / "run");
    write_program("srun",
                  "printf '%s\\n' \"$@\" > \"$FAKE/srun\"\necho \"threads $OMP_NUM_THREADS\" >> \"$FAKE/srun\"\n"
                  "printf '%s' \"$FAKE_STEPS\" >> \"$FAKE/run/run.log\"\nexit \"$FAKE_STATUS\"\n");
    write_program("scontrol", "echo \"$*\" >> \"$FAKE/scontrol\"\n");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write_program(const std::string& name, const std::string& body) {
    const fs::path path = folder_ / "bin" / name;
    std::ofstream(path) << "#!/bin/sh\n" << body;
    fs::permissions(path, fs::perms::owner_all);
  }

  /// Runs a script as Slurm would: its variables are set and its commands are found first.
  Outcome run(const std::string& script, const std::string& arguments, int status_of_run,
              std::map<std::string, std::string> environment = {}) {
    environment.insert({{"SLURM_JOB_ID", "42"},
                        {"SLURM_CPUS_PER_TASK", "3"},
                        {"FAKE", folder_.string()},
                        {"FAKE_STATUS", std::to_string(status_of_run)},
                        {"FAKE_STEPS", ""},
                        {"PATH", (folder_ / "bin").string() + ":/usr/bin:/bin"}});
    std::string line = "env -i";
    for (const auto& [name, value] : environment) line += " " + name + "='" + value + "'";
    line += " bash '" + (kScripts / script).string() + "' " + arguments + " 2>&1";
    FILE* pipe = ::popen(line.c_str(), "r");
    Outcome outcome;
    char buffer[4096];
    while (const std::size_t got = fread(buffer, 1, sizeof buffer, pipe)) outcome.output.append(buffer, got);
    outcome.status = WEXITSTATUS(::pclose(pipe));
    return outcome;
  }

  /// A session of train_requeue.sbatch that writes `steps` to run.log and ends with `status`.
  Outcome requeue(int status, const std::string& steps) {
    return run("train_requeue.sbatch", (folder_ / "run").string() + " config.pbtxt", status, {{"FAKE_STEPS", steps}});
  }

  /// What a command has written down, by line.
  std::vector<std::string> calls(const std::string& command) const {
    std::ifstream file(folder_ / command);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  fs::path folder_;
};

TEST_F(SlurmScriptsTest, TrainHandsAllArgumentsToEveryTask) {
  const Outcome outcome = run("train.sbatch", "config.pbtxt --out 'a b'", 0);
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_THAT(calls("srun"),
              ElementsAre("--mpi=pmix", "--kill-on-bad-exit=1", "--cpus-per-task=3", "--cpu-bind=cores", "reprise",
                          "train", "config.pbtxt", "--out", "a b", "--threads", "3", "--quiet", "threads 3"));
}

TEST_F(SlurmScriptsTest, TrainEndsWithTheStatusOfTheRun) {
  for (const int status : {0, 4, 143}) EXPECT_EQ(run("train.sbatch", "config.pbtxt", status).status, status);
  EXPECT_THAT(calls("scontrol"), IsEmpty());
}

TEST_F(SlurmScriptsTest, TakesProgramAndMpiFromTheEnvironment) {
  run("train.sbatch", "c", 0, {{"REPRISE", "/opt/reprise"}, {"REPRISE_SRUN_MPI", "pmi2"}});
  EXPECT_EQ(calls("srun").at(0), "--mpi=pmi2");
  EXPECT_EQ(calls("srun").at(4), "/opt/reprise");
}

TEST_F(SlurmScriptsTest, SaysHowToUseItWithoutArguments) {
  for (const char* script : {"train.sbatch", "train_requeue.sbatch"}) {
    const Outcome outcome = run(script, "", 0);
    EXPECT_EQ(outcome.status, 2);
    EXPECT_THAT(outcome.output, HasSubstr("usage: sbatch"));
  }
  EXPECT_THAT(calls("srun"), IsEmpty());
}

TEST_F(SlurmScriptsTest, RequeueStartsARunThatHasNotBegun) {
  const fs::path run_folder = folder_ / "run";
  EXPECT_EQ(run("train_requeue.sbatch", run_folder.string() + " config.pbtxt --set a=1", 0).status, 0);
  EXPECT_THAT(calls("srun"), ElementsAre("--mpi=pmix", "--kill-on-bad-exit=1", "--cpus-per-task=3", "--cpu-bind=cores",
                                         "reprise", "train", "config.pbtxt", "--set", "a=1", "--out",
                                         run_folder.string(), "--threads", "3", "--quiet", "threads 3"));
  EXPECT_THAT(calls("scontrol"), IsEmpty());
}

TEST_F(SlurmScriptsTest, RequeueGoesOnWithARunThatHasALog) {
  std::ofstream(folder_ / "run" / "run.log") << "begun";
  run("train_requeue.sbatch", (folder_ / "run").string() + " config.pbtxt", 0);
  EXPECT_EQ(calls("srun").at(7), "--resume");
  EXPECT_EQ(calls("srun").at(8), (folder_ / "run").string());
}

TEST_F(SlurmScriptsTest, RequeuesAfterAStopAndAfterALostRank) {
  for (const int status : {143, 6, 137}) {
    fs::remove(folder_ / "scontrol");
    const Outcome outcome = requeue(status, "more steps");
    EXPECT_EQ(outcome.status, 0) << outcome.output;
    EXPECT_THAT(calls("scontrol"), ElementsAre("requeue 42"));
    EXPECT_THAT(outcome.output, HasSubstr("back into the queue"));
  }
}

// One rank that fails for good has a status below the 6 of the others, and srun gives the highest.
TEST_F(SlurmScriptsTest, EndsWhenTwoSessionsInARowGotNoFurther) {
  EXPECT_EQ(requeue(6, "steps").status, 0);
  EXPECT_EQ(requeue(6, "").status, 0) << "a machine may be lost before the run gets further";
  EXPECT_EQ(requeue(137, "steps").status, 0);
  EXPECT_EQ(requeue(6, "").status, 0);
  const Outcome outcome = requeue(6, "");
  EXPECT_EQ(outcome.status, 6);
  EXPECT_THAT(outcome.output, HasSubstr("not put back into the queue: two sessions in a row got no further"));
  EXPECT_EQ(calls("scontrol").size(), 4u);
  EXPECT_THAT(calls("run/.requeue.42"), IsEmpty());
}

TEST_F(SlurmScriptsTest, EndsWhereItCannotCountItsTries) {
  fs::create_directories(folder_ / "run" / ".requeue.42");
  const Outcome outcome = requeue(6, "steps");
  EXPECT_EQ(outcome.status, 6);
  EXPECT_THAT(outcome.output, HasSubstr("its tries cannot be counted in "));
  EXPECT_THAT(calls("scontrol"), IsEmpty());
}

TEST_F(SlurmScriptsTest, DoesNotRequeueWhatWouldFailAgain) {
  for (const int status : {2, 3, 4, 5, 7, 130}) {
    EXPECT_EQ(run("train_requeue.sbatch", "run config.pbtxt", status).status, status);
  }
  EXPECT_THAT(calls("scontrol"), IsEmpty());
}

TEST_F(SlurmScriptsTest, StopsRequeueingAfterTheGivenNumber) {
  const std::map<std::string, std::string> third = {{"SLURM_RESTART_COUNT", "3"}, {"REPRISE_MAX_REQUEUES", "3"}};
  const Outcome outcome = run("train_requeue.sbatch", "run config.pbtxt", 143, third);
  EXPECT_EQ(outcome.status, 143);
  EXPECT_THAT(outcome.output, HasSubstr("that has been done 3 times"));
  EXPECT_THAT(calls("scontrol"), IsEmpty());
}

// sbatch reads its options down to the first command and ignores the rest.
TEST_F(SlurmScriptsTest, OptionsOfSbatchStandBeforeTheFirstCommand) {
  for (const auto& entry : fs::directory_iterator(kScripts)) {
    std::ifstream file(entry.path());
    bool commands_began = false;
    int options = 0;
    for (std::string line; std::getline(file, line);) {
      const bool option = line.starts_with("#SBATCH ");
      EXPECT_FALSE(option && commands_began) << entry.path() << ": " << line;
      options += option ? 1 : 0;
      commands_began = commands_began || (!line.empty() && line[0] != '#');
    }
    EXPECT_GE(options, 6) << entry.path();
  }
}

TEST_F(SlurmScriptsTest, AreCleanToShellcheck) {
  if (std::system("command -v shellcheck > /dev/null") != 0) GTEST_SKIP() << "shellcheck is not installed";
  for (const auto& entry : fs::directory_iterator(kScripts)) {
    EXPECT_EQ(std::system(("shellcheck '" + entry.path().string() + "'").c_str()), 0) << entry.path();
  }
}

}  // namespace
