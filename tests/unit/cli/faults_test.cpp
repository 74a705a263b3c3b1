// Kills and I/O faults at seeded moments, on one, two and three ranks: what has its final name is whole, and a resume
// with another number of ranks gives the roots and the run.log of the run that nobody disturbed. A table of phases and
// steps is printed. More than a hundred kills take minutes, so this is a long test; kill_test.cpp has ten of them.

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <random>

#include "processes.h"
#include "program.h"
#include "reprise/core/files.h"
#include "whole_run.h"

namespace reprise::cli_test {
namespace {

/// Rows are phases, columns the newest checkpoint that the fault left.
class Table {
 public:
  void add(const std::string& phase, int newest_checkpoint) {
    ++cells_[phase][newest_checkpoint < 0 ? -1 : newest_checkpoint / 6];
  }
  void print(const char* title) const {
    fmt::print("{:<24} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7}\n", title, "none", "0-5", "6-11", "12-17", "18-23",
               "24", "all");
    std::map<int, int> sums;
    for (const auto& [phase, row] : cells_) print_row(phase, row, sums);
    std::map<int, int> ignored;
    print_row("all", sums, ignored);
  }

 private:
  static void print_row(const std::string& name, const std::map<int, int>& row, std::map<int, int>& sums) {
    fmt::print("{:<24}", name);
    int all = 0;
    for (int column = -1; column <= 4; ++column) {
      const auto cell = row.find(column);
      const int count = cell == row.end() ? 0 : cell->second;
      fmt::print(" {:>7}", count);
      sums[column] += count;
      all += count;
    }
    fmt::print(" {:>7}\n", all);
  }
  std::map<std::string, std::map<int, int>> cells_;
};

Table& kills() {
  static Table table;
  return table;
}

Table& io_faults() {
  static Table table;
  return table;
}

class PrintTables : public testing::Environment {
 public:
  void TearDown() override {
    kills().print("kills");
    io_faults().print("I/O faults");
  }
};
const testing::Environment* const kPrintTables = testing::AddGlobalTestEnvironment(new PrintTables);

class Faults : public ProgramTest {
 protected:
  std::vector<std::string> train(int ranks) const {
    std::vector<std::string> words = {"train", small_config(), "--out", run_.string()};
    for (const std::string& flag : ranks_flag(ranks)) words.push_back(flag);
    return words;
  }
  void begin() {
    run_ = folder_ / "run";
    std::filesystem::remove_all(run_);
    copy_prepared_run(run_);
  }
  void finish(Table& table, const std::string& phase, int resume_ranks) {
    table.add(phase, newest_checkpoint(run_));
    expect_only_whole_checkpoints(run_);
    expect_resumes_to_the_whole_run(run_, resume_ranks);
  }
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  /// Any number of ranks up to four, but another one.
  int other_ranks(int ranks) { return 1 + (ranks - 1 + 1 + below(3)) % 4; }

  std::mt19937 random_{20261122};
  std::filesystem::path run_;
};

class KillsAtPoint : public Faults, public testing::WithParamInterface<const char*> {};

TEST_P(KillsAtPoint, LoseNothing) {
  const std::string point = GetParam();
  random_.seed(static_cast<unsigned>(std::hash<std::string>{}(point)));
  for (int i = 0; i < 9; ++i) {
    begin();
    const int ranks = point == "exchange" ? 2 + below(2) : 1 + below(3);
    const bool first_rank_alone = point == "log_append";
    const int victim = first_rank_alone ? 0 : below(ranks);
    const int pass = 1 + below(point == "compute" ? 50 : 12);
    const std::string fault = fmt::format("{}:{}:{}", point, pass, victim);
    SCOPED_TRACE(fmt::format("{} on {} ranks", fault, ranks));
    const Outcome killed = run_reprise(train(ranks), {"REPRISE_FAULT=" + fault});
    ASSERT_EQ(killed.exit_code, 128 + SIGKILL) << killed.err;
    finish(kills(), point, other_ranks(ranks));
  }
}

INSTANTIATE_TEST_SUITE_P(Points, KillsAtPoint,
                         testing::Values("compute", "exchange", "gather", "log_append", "snapshot", "tensor_write",
                                         "before_rename", "after_rename"),
                         [](const auto& point) { return std::string(point.param); });

TEST_F(Faults, KillWhileAResumeReadsLosesNothing) {
  for (int i = 0; i < 6; ++i) {
    begin();
    const int ranks = 1 + below(3);
    ASSERT_NE(run_reprise(train(ranks), {fmt::format("REPRISE_FAULT=gather:{}:0", 8 + below(12))}).exit_code, 0);
    std::vector<std::string> words = {"train", "--resume", run_.string()};
    const int second = 1 + below(3);
    for (const std::string& flag : ranks_flag(second)) words.push_back(flag);
    const Outcome killed = run_reprise(words, {fmt::format("REPRISE_FAULT=resume_read:1:{}", below(second))});
    ASSERT_EQ(killed.exit_code, 128 + SIGKILL) << killed.err;
    finish(kills(), "resume_read", other_ranks(second));
  }
}

struct Victim {
  const char* name;
  std::vector<pid_t> (*choose)(const RunningProgram& program, int number);
};

const Victim kVictims[] = {
    {"one rank at any time",
     [](const RunningProgram& program, int number) {
       const std::vector<pid_t> ranks = program.ranks();
       return ranks.empty() ? ranks : std::vector<pid_t>{ranks[static_cast<std::size_t>(number) % ranks.size()]};
     }},
    {"all ranks at any time", [](const RunningProgram& program, int) { return program.ranks(); }},
    {"mpirun at any time", [](const RunningProgram& program, int) { return std::vector<pid_t>{program.mpirun()}; }},
    {"the parent at any time",
     [](const RunningProgram& program, int) { return std::vector<pid_t>{program.process()}; }},
};

class KillsAtAnyTime : public Faults, public testing::WithParamInterface<Victim> {};

TEST_P(KillsAtAnyTime, LoseNothing) {
  const Victim& victim = GetParam();
  random_.seed(static_cast<unsigned>(victim.name[0]));
  for (int i = 0; i < 8; ++i) {
    begin();
    const int ranks = std::string(victim.name).find("rank") != std::string::npos ? 1 + i % 3 : 2 + i % 2;
    // The moment is a length of run.log, which grows with the steps; behind it some time passes.
    const std::size_t bytes = whole_run().run_log.size() * static_cast<std::size_t>(5 + below(85)) / 100;
    SCOPED_TRACE(fmt::format("{} of {} when run.log has {} bytes", victim.name, ranks, bytes));
    RunningProgram program(train(ranks), folder_ / "err");
    std::error_code none;
    const bool running = program.wait_until([&] {
      const auto size = std::filesystem::file_size(run_ / "run.log", none);
      return !none && size >= bytes;
    });
    ASSERT_TRUE(running) << read_file(folder_ / "err");
    std::vector<pid_t> all = program.ranks();
    all.push_back(program.mpirun());
    for (const pid_t process : victim.choose(program, below(3))) {
      ASSERT_GT(process, 0);
      ::kill(process, SIGKILL);
    }
    EXPECT_NE(program.wait_for_all(all), 0) << "the run ended before the kill";
    finish(kills(), victim.name, other_ranks(ranks));
  }
}

INSTANTIATE_TEST_SUITE_P(Victims, KillsAtAnyTime, testing::ValuesIn(kVictims),
                         [](const auto& victim) { return std::string(1, "ABCD"[victim.index]); });

struct IoFault {
  const char* file;
  const char* call;
  const char* error;
  int most;  // calls that are sure to come
};

class IoFaults : public Faults, public testing::WithParamInterface<IoFault> {};

TEST_P(IoFaults, EndTheRunWithAnErrorAndLoseNothing) {
  const IoFault& fault = GetParam();
  random_.seed(static_cast<unsigned>(fault.call[0] * 256 + fault.error[1]));
  for (const int ranks : {1, 2, 3}) {
    begin();
    const std::string plan = fmt::format("{}:{}:{}:{}", fault.file, fault.call, 1 + below(fault.most), fault.error);
    SCOPED_TRACE(fmt::format("{} on {} ranks", plan, ranks));
    const Outcome failed =
        run_reprise(train(ranks), {"REPRISE_IO_FAULT=" + plan, "LD_PRELOAD=" REPRISE_IO_FAULT_LIBRARY});
    EXPECT_EQ(failed.exit_code, 4) << failed.err;
    EXPECT_THAT(failed.err, testing::HasSubstr("error[io]: ")) << failed.err;
    EXPECT_THAT(failed.err, testing::HasSubstr("hint: ")) << failed.err;
    EXPECT_THAT(failed.err, testing::HasSubstr(fault.file)) << failed.err;
    finish(io_faults(), fmt::format("{} {} {}", fault.file, fault.call, fault.error), other_ranks(ranks));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, IoFaults,
    testing::Values(IoFault{"run.log", "write", "ENOSPC", 30}, IoFault{"run.log", "write", "short", 30},
                    IoFault{"run.log", "sync", "EIO", 3}, IoFault{"session.log", "write", "ENOSPC", 8},
                    IoFault{"session.log", "write", "short", 8}, IoFault{"step-", "write", "EIO", 60},
                    IoFault{"step-", "write", "short", 60}, IoFault{"step-", "sync", "EIO", 12},
                    IoFault{"step-", "rename", "EROFS", 12}, IoFault{"step-", "reserve", "ENOSPC", 20},
                    IoFault{"step-", "reserve", "EDQUOT", 20}, IoFault{"recipe.pbtxt", "write", "ENOSPC", 1}),
    [](const auto& fault) {
      std::string name = fmt::format("{}_{}_{}", fault.param.file, fault.param.call, fault.param.error);
      for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
      return name;
    });

TEST_F(Faults, DiskThatIsReallyFullEndsTheRunWithAnErrorAndLosesNothing) {
  for (const int kilobytes : {300, 900, 1600}) {
    begin();
    const auto disk = run_ / "checkpoints";
    std::filesystem::create_directories(disk);
    if (::mount("none", disk.c_str(), "tmpfs", 0, fmt::format("size={}k", kilobytes).c_str()) != 0) {
      GTEST_SKIP() << "a small disk cannot be mounted here: " << system_reason(errno);
    }
    const int ranks = 1 + kilobytes / 600;
    const Outcome full = run_reprise(train(ranks));
    const auto rescued = folder_ / "rescued";
    std::filesystem::remove_all(rescued);
    std::filesystem::copy(disk, rescued, std::filesystem::copy_options::recursive);
    ::umount(disk.c_str());
    std::filesystem::remove_all(disk);
    std::filesystem::rename(rescued, disk);
    EXPECT_EQ(full.exit_code, 4) << full.err;
    EXPECT_THAT(full.err, testing::HasSubstr("No space left on device")) << full.err;
    finish(io_faults(), "full disk", other_ranks(ranks));
  }
}

}  // namespace
}  // namespace reprise::cli_test
