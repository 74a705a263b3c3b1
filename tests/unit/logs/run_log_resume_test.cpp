#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "sample_log.h"

namespace reprise::logs {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kSteps = 6;

class RunLogResume : public ::testing::Test {
 protected:
  RunLogResume() : path_(folder_ / "run.log") {
    write_sample_log(path_, kSteps);
    bytes_ = read_file(path_);
    log_ = read_run_log(path_);
  }

  /// Offset behind the records of `step`.
  std::size_t end_of(std::uint64_t step) const {
    for (const RunRecord& record : log_.records) {
      if (record.step && record.step->step == step + 1) return record.offset;
    }
    return bytes_.size();
  }

  void continue_from(RunLogWriter& writer, std::uint64_t step) {
    for (std::uint64_t next = step + 1; next <= kSteps; ++next) {
      writer.append(sample_step(next));
      if (next % 2 == 0) writer.append(sample_checkpoint(next));
    }
  }

  ErrorKind failure_at(std::uint64_t step, std::string* message = nullptr) {
    try {
      RunLogWriter::resume(path_, step);
    } catch (const Error& error) {
      if (message != nullptr) *message = error.what();
      return error.kind();
    }
    ADD_FAILURE() << "no error";
    return ErrorKind::kInternal;
  }

  const TemporaryFolder folder_;
  const std::filesystem::path path_;
  std::string bytes_;
  RunLog log_;
};

TEST_F(RunLogResume, CutsBehindTheStepAndContinuesToTheSameBytes) {
  for (std::uint64_t step = 0; step <= kSteps; ++step) {
    overwrite(path_, bytes_);
    {
      RunLogWriter writer = RunLogWriter::resume(path_, step);
      EXPECT_EQ(read_file(path_), bytes_.substr(0, end_of(step))) << step;
      continue_from(writer, step);
      EXPECT_EQ(writer.chain(), log_.chain) << step;
    }
    EXPECT_EQ(read_file(path_), bytes_) << step;
  }
}

TEST_F(RunLogResume, KeepsTheEvaluationOfTheStepAndCutsLaterOnes) {
  const auto write_rest = [](RunLogWriter& writer, std::uint64_t done) {
    for (std::uint64_t step = done + 1; step <= 4; ++step) {
      writer.append(step == 3 ? skipped_step(step) : sample_step(step));
      if (step % 2 == 0) writer.append(sample_evaluation(step));
      if (step == 4) writer.append(sample_checkpoint(step));
    }
  };
  std::filesystem::remove(path_);
  {
    RunLogWriter writer = RunLogWriter::create(path_, sample_header());
    write_rest(writer, 0);
  }
  const std::string whole = read_file(path_);
  for (std::uint64_t step = 0; step <= 4; ++step) {
    overwrite(path_, whole);
    {
      RunLogWriter writer = RunLogWriter::resume(path_, step);
      const RunLog kept = read_run_log(path_);
      EXPECT_EQ(kept.records.back().evaluation.has_value(), step == 2);
      EXPECT_EQ(kept.records.back().step && kept.records.back().step->skipped, step == 3);
      write_rest(writer, step);
    }
    EXPECT_EQ(read_file(path_), whole) << step;
  }
}

TEST_F(RunLogResume, TornTailAnywhereBehindTheStepIsCut) {
  for (std::size_t size = end_of(4); size < bytes_.size(); ++size) {
    overwrite(path_, bytes_.substr(0, size));
    RunLogWriter writer = RunLogWriter::resume(path_, 4);
    EXPECT_EQ(read_file(path_).size(), end_of(4)) << size;
    continue_from(writer, 4);
    EXPECT_EQ(writer.chain(), log_.chain) << size;
  }
}

TEST_F(RunLogResume, DamageBehindTheStepIsCut) {
  for (std::size_t i = end_of(4); i < bytes_.size(); ++i) {
    std::string flipped = bytes_;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    overwrite(path_, flipped);
    RunLogWriter writer = RunLogWriter::resume(path_, 4);
    continue_from(writer, 4);
    EXPECT_EQ(writer.chain(), log_.chain) << i;
  }
}

TEST_F(RunLogResume, RecordsBeforeTheDamageAreRead) {
  for (std::size_t i = end_of(4); i < bytes_.size(); ++i) {
    std::string flipped = bytes_;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    overwrite(path_, flipped);
    EXPECT_THROW(read_run_log(path_), Error) << i;
    EXPECT_GE(read_intact_records(path_).records.size(), 8u) << i;  // up to the checkpoint of step 4
  }
  overwrite(path_, bytes_.substr(0, 5));
  EXPECT_THROW(read_intact_records(path_), Error) << "there is no header";
}

TEST_F(RunLogResume, DamageInTheKeptPartIsRefused) {
  const std::size_t last_kept = log_.records[6].offset;  // step 4: 0 header, 1 checkpoint, 2 3, 4 checkpoint, 5 6
  ASSERT_EQ(log_.records[6].step->step, 4u);
  const std::size_t end = log_.records[7].offset;
  for (std::size_t i = 0; i < end; ++i) {
    std::string flipped = bytes_;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x10);
    overwrite(path_, flipped);
    std::string message;
    const ErrorKind kind = failure_at(4, &message);
    EXPECT_EQ(kind, ErrorKind::kCorrupt) << i << " of " << last_kept;
    EXPECT_THAT(message, HasSubstr("run.log: offset "));
    EXPECT_EQ(read_file(path_), flipped) << "a refused log stays as it is";
  }
}

TEST_F(RunLogResume, ReplayWithOtherBitsIsRefused) {
  RunLogWriter writer = RunLogWriter::resume(path_, 4);
  StepRecord other = sample_step(5);
  other.grain_losses[0] += 1e-9;
  try {
    writer.append(other);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
    EXPECT_THAT(error.what(), HasSubstr("step 5 has other bits than before the resume"));
  }
  EXPECT_EQ(read_file(path_).size(), end_of(4)) << "nothing is written";
}

TEST_F(RunLogResume, ReplayOfAnotherCheckpointRootIsRefused) {
  RunLogWriter writer = RunLogWriter::resume(path_, 4);
  writer.append(sample_step(5));
  writer.append(sample_step(6));
  CheckpointRecord other = sample_checkpoint(6);
  other.root.bytes[31] ^= 1;
  EXPECT_THROW(writer.append(other), Error);
}

TEST_F(RunLogResume, ReplayThatLeavesARecordOutIsRefused) {
  RunLogWriter writer = RunLogWriter::resume(path_, 1);
  writer.append(sample_step(2));
  EXPECT_THROW(writer.append(sample_step(3)), Error);  // the log had a checkpoint record here
}

TEST_F(RunLogResume, BehindTheOldEndAnythingMayFollow) {
  RunLogWriter writer = RunLogWriter::resume(path_, 5);
  writer.append(sample_step(6));
  writer.append(sample_checkpoint(6));
  writer.append(sample_step(7));
  EXPECT_EQ(read_run_log(path_).records.back().step->step, 7u);
}

TEST_F(RunLogResume, CheckpointRecordOfTheStepMayComeAgainOrLate) {
  {
    RunLogWriter writer = RunLogWriter::resume(path_, 4);
    writer.append(sample_checkpoint(4));
    EXPECT_EQ(read_file(path_).size(), end_of(4)) << "it is there already";
    CheckpointRecord other = sample_checkpoint(4);
    other.root.bytes[0] ^= 1;
    EXPECT_THROW(writer.append(other), Error);
  }
  // Killed between the checkpoint file and its record.
  const std::size_t end_of_step = log_.records[7].offset;
  overwrite(path_, bytes_.substr(0, end_of_step));
  RunLogWriter writer = RunLogWriter::resume(path_, 4);
  writer.append(sample_checkpoint(4));
  continue_from(writer, 4);
  EXPECT_EQ(read_file(path_), bytes_);
}

TEST_F(RunLogResume, LogThatEndsBeforeTheStepIsRefused) {
  std::string message;
  EXPECT_EQ(failure_at(kSteps + 1, &message), ErrorKind::kCheckpoint);
  EXPECT_THAT(message, HasSubstr("its last step is 6"));
  EXPECT_EQ(read_file(path_), bytes_);
}

TEST_F(RunLogResume, LogThatIsALinkIsNotCut) {
  const std::filesystem::path other = folder_ / "other.log";
  std::filesystem::rename(path_, other);
  std::filesystem::create_symlink(other, path_);
  std::string message;
  EXPECT_EQ(failure_at(2, &message), ErrorKind::kIo);
  EXPECT_THAT(message, HasSubstr("symbolic link: " + path_.string()));
  EXPECT_EQ(read_file(other), bytes_);
}

TEST_F(RunLogResume, KillHalfWayThroughARecordLeavesATornTailThatResumeCuts) {
  const std::filesystem::path path = folder_ / "killed.log";
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // The fault reads its variable at the first pass, which is in this process.
    ::setenv("REPRISE_FAULT", "log_append:5", 1);
    write_sample_log(path, kSteps);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  const RunLog torn = read_run_log(path);
  EXPECT_TRUE(torn.torn_tail);
  ASSERT_EQ(torn.records.size(), 5u);  // the header, and four of the appended records
  RunLogWriter writer = RunLogWriter::resume(path, 2);
  continue_from(writer, 2);
  EXPECT_EQ(read_file(path), bytes_);
}

}  // namespace
}  // namespace reprise::logs
