// How ranks are started: on this machine or on those of a hostfile, and on which cores.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "reprise/core/error.h"
#include "reprise/dist/communicator.h"
#include "reprise/dist/launch.h"

namespace reprise::dist {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Words = std::vector<std::string>;

const Words kProgram{"reprise", "train", "a b"};

class MpirunCommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::unsetenv("REPRISE_BINDING");
    ::unsetenv("OMP_NUM_THREADS");
    folder_ = std::filesystem::temp_directory_path() / ("reprise_mpirun_command_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override {
    ::unsetenv("REPRISE_BINDING");
    std::filesystem::remove_all(folder_);
  }

  std::filesystem::path write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }

  std::filesystem::path folder_;
};

Launch on_this_machine(int num_ranks, int threads) {
  return {.num_ranks = num_ranks, .threads_per_rank = threads, .hostfile = {}};
}

Launch on_hosts(int num_ranks, const std::filesystem::path& hostfile) {
  return {.num_ranks = num_ranks, .threads_per_rank = 0, .hostfile = hostfile};
}

/// Whether `first` and `second` are neighbours in `words`.
bool holds_pair(const Words& words, const std::string& first, const std::string& second) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == first && words[i + 1] == second) return true;
  }
  return false;
}

std::string message_of(const Launch& launch) {
  try {
    mpirun_command(launch, kProgram);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.formatted();
  }
  return "";
}

/// Runs the command and returns its status and what it printed.
std::pair<int, std::string> run(const Words& command) {
  std::string line;
  for (const std::string& word : command) line += "'" + word + "' ";
  FILE* pipe = ::popen((line + "2>&1 < /dev/null").c_str(), "r");
  std::string output;
  char buffer[4096];
  while (const std::size_t got = fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, got);
  const int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), output};
}

TEST_F(MpirunCommandTest, EndsWithTheProgramAndItsArguments) {
  for (const Words& command : {mpirun_command(4, kProgram), mpirun_command(on_this_machine(4, 1), kProgram)}) {
    EXPECT_EQ(command[0], "mpirun");
    EXPECT_THAT(Words(command.end() - 5, command.end()), ElementsAre("-n", "4", "reprise", "train", "a b"));
  }
}

TEST_F(MpirunCommandTest, LeavesRanksUnboundWhereThreadsAreUnknownOrDoNotFit) {
  EXPECT_TRUE(holds_pair(mpirun_command(2, kProgram), "--bind-to", "none"));
  const Words crowded = mpirun_command(on_this_machine(2, 100000), kProgram);
  EXPECT_TRUE(holds_pair(crowded, "--bind-to", "none"));
  EXPECT_TRUE(holds_pair(crowded, "-x", "OMP_NUM_THREADS=100000"));
}

TEST_F(MpirunCommandTest, GivesEachRankCoresForItsThreads) {
  ::setenv("REPRISE_BINDING", "core", 1);
  Launch launch = on_hosts(2, write("hosts", "localhost slots=2\n"));  // this machine may have fewer cores
  launch.threads_per_rank = 3;
  const Words command = mpirun_command(launch, kProgram);
  EXPECT_TRUE(holds_pair(command, "--bind-to", "core"));
  EXPECT_TRUE(holds_pair(command, "--map-by", "slot:PE=3"));
  EXPECT_TRUE(holds_pair(command, "-x", "OMP_NUM_THREADS=3"));
  EXPECT_TRUE(holds_pair(mpirun_command(on_this_machine(1, 1), kProgram), "--map-by", "slot:PE=1"));
}

TEST_F(MpirunCommandTest, RefusesToBindMoreThreadsThanThereAreCores) {
  ::setenv("REPRISE_BINDING", "core", 1);
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  if (CPU_COUNT(&allowed) != ::sysconf(_SC_NPROCESSORS_ONLN)) GTEST_SKIP() << "cores are not known here";
  EXPECT_THAT(message_of(on_this_machine(2, 100000)),
              ::testing::AllOf(HasSubstr("2 ranks of 100000 threads need 200000 cores; this machine has "),
                               HasSubstr("REPRISE_BINDING=none")));
}

TEST_F(MpirunCommandTest, BindsOnlyOnRequestWhereARunLeavesRoomForAnother) {
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  if (cores < 4) GTEST_SKIP() << "this machine has too few cores for a run that fills less than half of them";
  EXPECT_TRUE(holds_pair(mpirun_command(on_this_machine(1, 1), kProgram), "--bind-to", "none"));
}

TEST_F(MpirunCommandTest, KeepsANumberOfOpenMpThreadsThatTheUserHasSet) {
  ::setenv("OMP_NUM_THREADS", "1", 1);
  for (const std::string& word : mpirun_command(on_this_machine(1, 2), kProgram))
    EXPECT_THAT(word, Not(HasSubstr("OMP_")));
  ::unsetenv("OMP_NUM_THREADS");
}

TEST_F(MpirunCommandTest, RefusesABindingThatItDoesNotKnowOrCannotMake) {
  ::setenv("REPRISE_BINDING", "socket", 1);
  EXPECT_THAT(message_of(on_this_machine(2, 1)), HasSubstr("REPRISE_BINDING is socket"));
  ::setenv("REPRISE_BINDING", "core", 1);
  EXPECT_THAT(message_of(on_this_machine(2, 0)), HasSubstr("the threads of a rank are not known"));
}

TEST_F(MpirunCommandTest, LeavesPlacingAndFabricsOfAHostfileToMpirun) {
  ::setenv("REPRISE_SOMETHING", "1", 1);
  const std::filesystem::path hostfile = write("hosts", "# machines\nnode1 slots=2\nnode2 slots=2\n");
  const Words command = mpirun_command(on_hosts(4, hostfile), kProgram);
  ::unsetenv("REPRISE_SOMETHING");
  EXPECT_TRUE(holds_pair(command, "--hostfile", hostfile.string()));
  EXPECT_TRUE(holds_pair(command, "-x", "REPRISE_SOMETHING"));
  EXPECT_TRUE(holds_pair(command, "--bind-to", "none"));
  for (const char* word : {"--oversubscribe", "isolated", "self,vader", "lo", "--quiet"}) {
    EXPECT_THAT(command, Not(Contains(word)));
  }
}

TEST_F(MpirunCommandTest, RefusesAHostfileThatIsMissingOrNamesNoMachine) {
  EXPECT_THAT(message_of(on_hosts(2, folder_ / "none")), HasSubstr("cannot read the hostfile"));
  const std::filesystem::path empty = write("empty", "# nothing\n\n");
  EXPECT_THAT(message_of(on_hosts(2, empty)), HasSubstr(empty.string() + " names no machine"));
}

// Two machines are played by one: the agent that mpirun calls in the place of ssh runs the command here.
TEST_F(MpirunCommandTest, RunsRanksOnTheMachinesOfAHostfile) {
  const std::filesystem::path hostfile = write("hosts", "localhost slots=1\nelsewhere slots=2\n");
  const std::filesystem::path agent = write("agent", "#!/bin/sh\nshift\nexec sh -c \"$*\"\n");
  std::filesystem::permissions(agent, std::filesystem::perms::owner_all);
  ::setenv("OMPI_MCA_plm_rsh_agent", agent.c_str(), 1);
  const auto [status, output] =
      run(mpirun_command(on_hosts(3, hostfile), Words{REPRISE_BINARY_DIR "/tests/dist_exchange_check", "exchange"}));
  EXPECT_EQ(status, 0) << output;
  const auto [places, text] = run(mpirun_command(
      on_hosts(3, hostfile), Words{"sh", "-c", "echo rank $OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_LOCAL_SIZE here"}));
  ::unsetenv("OMPI_MCA_plm_rsh_agent");
  EXPECT_EQ(places, 0);
  EXPECT_THAT(text, HasSubstr("rank 0 of 1 here"));
  EXPECT_THAT(text, HasSubstr("rank 1 of 2 here"));
  EXPECT_THAT(text, HasSubstr("rank 2 of 2 here"));
}

TEST_F(MpirunCommandTest, SaysWhenAHostfileHasTooFewSlots) {
  const auto [status, output] = run(mpirun_command(on_hosts(3, write("hosts", "localhost slots=2\n")), Words{"true"}));
  EXPECT_NE(status, 0);
  EXPECT_THAT(output, HasSubstr("not enough slots"));
}

TEST_F(MpirunCommandTest, BoundRanksRunOnCoresOfTheirOwn) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "one core";
  ::setenv("REPRISE_BINDING", "core", 1);
  const auto [status, output] = run(
      mpirun_command(on_this_machine(2, 1),
                     Words{"sh", "-c", "grep Cpus_allowed_list: /proc/self/status; echo threads $OMP_NUM_THREADS"}));
  ASSERT_EQ(status, 0) << output;
  EXPECT_THAT(output, HasSubstr("threads 1"));
  std::set<std::string> places;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Cpus_allowed_list")) places.insert(line);
  }
  EXPECT_EQ(places.size(), 2u) << output;
}

TEST(LaunchedByMpiTest, KnowsMpirunAndSrun) {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"}) {
    EXPECT_FALSE(launched_by_mpi());
    ::setenv(name, "2", 1);
    EXPECT_TRUE(launched_by_mpi()) << name;
    ::unsetenv(name);
  }
}

TEST(ChosenBackendTest, IsMpiWhereTheVariableIsEmpty) {
  ::setenv("REPRISE_BACKEND", "", 1);
  EXPECT_EQ(chosen_backend(), "mpi");
  ::setenv("REPRISE_BACKEND", "gloo", 1);
  EXPECT_THROW(chosen_backend(), Error);
  ::unsetenv("REPRISE_BACKEND");
}

TEST(RanksOnThisMachineTest, AreWhatMpirunTellsItsRanks) {
  ::unsetenv("OMPI_COMM_WORLD_LOCAL_SIZE");
  ::unsetenv("MPI_LOCALNRANKS");
  EXPECT_EQ(ranks_on_this_machine(8), 8);
  ::setenv("OMPI_COMM_WORLD_LOCAL_SIZE", "2", 1);
  EXPECT_EQ(ranks_on_this_machine(8), 2);
  ::setenv("OMPI_COMM_WORLD_LOCAL_SIZE", "99", 1);
  EXPECT_EQ(ranks_on_this_machine(8), 8);
  ::unsetenv("OMPI_COMM_WORLD_LOCAL_SIZE");
}

}  // namespace
}  // namespace reprise::dist
