#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "sample_log.h"

namespace reprise::logs {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kSteps = 5;

ErrorKind kind_of_failure(const std::function<void()>& action, std::string* message = nullptr) {
  try {
    action();
  } catch (const Error& error) {
    if (message != nullptr) *message = error.what();
    return error.kind();
  }
  ADD_FAILURE() << "no error";
  return ErrorKind::kInternal;
}

TEST(RunLog, ReadsBackWhatWasWritten) {
  const TemporaryFolder folder;
  write_sample_log(folder / "run.log", kSteps);
  const RunLog log = read_run_log(folder / "run.log");
  ASSERT_EQ(log.records.size(), 1 + 1 + kSteps + 2);
  EXPECT_FALSE(log.torn_tail);
  ASSERT_TRUE(log.records[0].header.has_value());
  EXPECT_EQ(log.records[0].header->run_name, "sample");
  EXPECT_EQ(log.records[1].checkpoint->step, 0u);
  EXPECT_EQ(log.records[2].step->grain_losses, sample_step(1).grain_losses);
  EXPECT_EQ(log.records[4].checkpoint->root, sample_checkpoint(2).root);
  EXPECT_EQ(log.chain, log.records.back().chain);
}

TEST(RunLog, IsAFunctionOfItsRecords) {
  const TemporaryFolder folder;
  write_sample_log(folder / "a.log", kSteps);
  write_sample_log(folder / "b.log", kSteps);
  EXPECT_EQ(read_file(folder / "a.log"), read_file(folder / "b.log"));
}

TEST(RunLog, ChainIsSha256OverChainAndBytes) {
  const TemporaryFolder folder;
  RunLogWriter writer = RunLogWriter::create(folder / "run.log", sample_header());
  const std::string header = read_file(folder / "run.log");
  const Digest first = sha256(std::string(32, '\0') + header);
  EXPECT_EQ(writer.chain(), first);
  writer.append(sample_step(1));
  const std::string step = read_file(folder / "run.log").substr(header.size());
  const Digest second = Sha256().update(as_byte_span(std::span<const std::uint8_t>(first.bytes))).update(step).finish();
  EXPECT_EQ(writer.chain(), second);
  EXPECT_EQ(read_run_log(folder / "run.log").chain, second);
}

// The chain of the sample log, made by tests/unit/logs/run_log_chain.py (Python 3.11: struct, zlib, hashlib, and a
// writer of protobuf's wire format of its own).
TEST(RunLog, KnownAnswer) {
  const TemporaryFolder folder;
  write_sample_log(folder / "run.log", 2);
  EXPECT_EQ(read_run_log(folder / "run.log").chain.hex(),
            "114fec70fd528f16685696ca9e3defe3a8ea304188ba419d871985b990daca71");
}

TEST(RunLog, CreateRefusesAnExistingFile) {
  const TemporaryFolder folder;
  write_sample_log(folder / "run.log", 1);
  const std::string before = read_file(folder / "run.log");
  EXPECT_EQ(kind_of_failure([&] { RunLogWriter::create(folder / "run.log", sample_header()); }), ErrorKind::kIo);
  EXPECT_EQ(read_file(folder / "run.log"), before);
}

TEST(RunLog, TornTailAtEveryByteOfTheLastRecordIsLeftOut) {
  const TemporaryFolder folder;
  write_sample_log(folder / "run.log", kSteps);
  const std::string bytes = read_file(folder / "run.log");
  const RunLog whole = read_run_log(folder / "run.log");
  const std::size_t last = whole.records.back().offset;
  for (std::size_t size = last; size < bytes.size(); ++size) {
    overwrite(folder / "torn.log", bytes.substr(0, size));
    const RunLog torn = read_run_log(folder / "torn.log");
    EXPECT_EQ(torn.records.size(), whole.records.size() - 1) << size;
    EXPECT_EQ(torn.torn_tail, size > last) << size;
    EXPECT_EQ(torn.chain, whole.records[whole.records.size() - 2].chain) << size;
  }
}

TEST(RunLog, EveryFlippedBitIsFound) {
  const TemporaryFolder folder;
  write_sample_log(folder / "run.log", 3);
  const std::string bytes = read_file(folder / "run.log");
  const std::filesystem::path path = folder / "flipped.log";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
    overwrite(path, flipped);
    std::string message;
    EXPECT_EQ(kind_of_failure([&] { read_run_log(path); }, &message), ErrorKind::kCorrupt) << "byte " << i;
    EXPECT_THAT(message, HasSubstr("flipped.log: offset "));
  }
}

TEST(RunLog, EveryBitOfEveryLengthIsGuarded) {
  const TemporaryFolder folder;
  write_sample_log(folder / "run.log", 3);
  const std::string bytes = read_file(folder / "run.log");
  for (const RunRecord& record : read_run_log(folder / "run.log").records) {
    for (std::size_t bit = 0; bit < 32; ++bit) {
      std::string flipped = bytes;
      char& byte = flipped[record.offset + bit / 8];
      byte = static_cast<char>(byte ^ (1 << (bit % 8)));
      overwrite(folder / "flipped.log", flipped);
      EXPECT_EQ(kind_of_failure([&] { read_run_log(folder / "flipped.log"); }), ErrorKind::kCorrupt)
          << record.offset << " bit " << bit;
    }
  }
}

TEST(RunLog, RemovedAndSwappedRecordsAreFound) {
  const TemporaryFolder folder;
  write_sample_log(folder / "run.log", 3);
  const std::string bytes = read_file(folder / "run.log");
  const std::vector<RunRecord> records = read_run_log(folder / "run.log").records;
  const std::size_t a = records[2].offset, b = records[3].offset, c = records[4].offset;
  overwrite(folder / "x.log", bytes.substr(0, a) + bytes.substr(b));
  EXPECT_EQ(kind_of_failure([&] { read_run_log(folder / "x.log"); }), ErrorKind::kCorrupt);
  overwrite(folder / "x.log", bytes.substr(0, a) + bytes.substr(b, c - b) + bytes.substr(a, b - a) + bytes.substr(c));
  EXPECT_EQ(kind_of_failure([&] { read_run_log(folder / "x.log"); }), ErrorKind::kCorrupt);
}

TEST(RunLog, FilesThatAreNoLogAreRefused) {
  const TemporaryFolder folder;
  std::mt19937 random(20261121);
  std::string noise(5000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  for (const std::string& bytes : {std::string(), std::string("abc"), std::string(100, '\0'), noise}) {
    overwrite(folder / "x.log", bytes);
    EXPECT_EQ(kind_of_failure([&] { read_run_log(folder / "x.log"); }), ErrorKind::kCorrupt);
  }
  EXPECT_EQ(kind_of_failure([&] { read_run_log(folder / "missing.log"); }), ErrorKind::kIo);
}

TEST(RunLog, RecordsOutOfOrderAreABugOfTheCaller) {
  const TemporaryFolder folder;
  RunLogWriter writer = RunLogWriter::create(folder / "run.log", sample_header());
  EXPECT_EQ(kind_of_failure([&] { writer.append(sample_step(2)); }), ErrorKind::kInternal);
  writer.append(sample_step(1));
  EXPECT_EQ(kind_of_failure([&] { writer.append(sample_checkpoint(2)); }), ErrorKind::kInternal);
}

TEST(RunLog, FullDiskIsAnErrorAndLeavesWholeRecords) {
  const TemporaryFolder folder;
  RunLogWriter writer = RunLogWriter::create(folder / "run.log", sample_header());
  writer.append(sample_step(1));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = std::filesystem::file_size(folder / "run.log") + 50;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string message;
  const ErrorKind kind = kind_of_failure([&] { writer.append(sample_step(2)); }, &message);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(kind, ErrorKind::kIo);
  EXPECT_THAT(message, HasSubstr("cannot write"));
  const RunLog log = read_run_log(folder / "run.log");
  EXPECT_EQ(log.records.size(), 2u);
  EXPECT_FALSE(log.torn_tail);
  EXPECT_EQ(kind_of_failure([&] { writer.append(sample_step(3)); }), ErrorKind::kInternal) << "step 2 is missing";
  writer.append(sample_step(2));
  writer.append(sample_checkpoint(2));
  EXPECT_EQ(read_run_log(folder / "run.log").records.size(), 4u);
}

}  // namespace
}  // namespace reprise::logs
