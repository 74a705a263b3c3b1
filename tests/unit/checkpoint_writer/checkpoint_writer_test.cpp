// Ranks as threads of this process, each with the thread that writes its checkpoints.

#include "checkpoint_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>

#include "gather.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/dist/local_group.h"
#include "sample_state.h"

namespace reprise::train {
namespace {

using checkpoints::FileKind;
using checkpoints::SampleState;
using checkpoints::TestFolder;
using testing::HasSubstr;

/// With weights of nowhere outside the slice, as a rank may have whose GPU holds them.
TrainingState state_of_rank(const SampleState& sample, const dist::Communicator& ranks) {
  TrainingState state;
  const checkpoints::StateView view = sample.view(true, ranks.rank(), ranks.size());
  state.header = sample.header;
  state.weights.assign(sample.weights.size(), std::numeric_limits<float>::quiet_NaN());
  state.slice = view.slice;
  std::copy(view.weights.begin(), view.weights.end(), state.weights.begin() + view.slice.begin * kChunkElements);
  state.first_moments.assign(view.first_moments.begin(), view.first_moments.end());
  state.second_moments.assign(view.second_moments.begin(), view.second_moments.end());
  state.digests = sample.digests;
  return state;
}

Digest root_of(const SampleState& sample) {
  return checkpoints::checkpoint_root(sample.header, sample.layout, sample.digests);
}

/// What one rank alone writes, in line.
std::string expected_file(std::uint64_t step, bool store_moments) {
  const TestFolder folder;
  const auto alone = dist::make_local_communicator();
  SampleState(step).write(folder, store_moments, *alone);
  return read_file(folder.path() / checkpoints::file_name(FileKind::kScheduled, step));
}

std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return std::string(to_string(error.kind())) + ": " + error.what();
  }
  return "no error";
}

/// Polls, as a step does, until a failure comes.
std::string polled_error(CheckpointWriter& writer) {
  std::string message = "no error";
  while (message == "no error") message = error_of([&] { writer.poll(); });
  return message;
}

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

class AnyRanks : public testing::TestWithParam<int> {};

TEST_P(AnyRanks, WriteTheBytesOfOneRankBesideExchangesOfTheirOwn) {
  const TestFolder folder;
  dist::run_local_group(GetParam(), [&](dist::Communicator& ranks) {
    CheckpointWriter writer(folder, checkpoints::sample_layout(), ranks);
    for (const std::uint64_t step : {3, 4, 6}) {
      const SampleState sample(step);
      writer.write(FileKind::kScheduled, state_of_rank(sample, ranks), step != 4, root_of(sample));
      for (int round = 0; round < 20; ++round) {
        Message message;
        message.put(ranks.rank());
        std::vector<Message> all = gather_messages(ranks, message);
        ASSERT_EQ(all.back().take<int>(), ranks.size() - 1);
        writer.poll();
      }
    }
    writer.wait();
    EXPECT_GT(writer.write_seconds(), 0);
  });
  EXPECT_EQ(read_file(folder.path() / "step-000003.h5"), expected_file(3, true));
  EXPECT_EQ(read_file(folder.path() / "step-000004.h5"), expected_file(4, false));
  EXPECT_EQ(read_file(folder.path() / "step-000006.h5"), expected_file(6, true));
}

TEST_P(AnyRanks, WriteTheStateAsItWasWhenTheWriteBegan) {
  const TestFolder folder;
  dist::run_local_group(GetParam(), [&](dist::Communicator& ranks) {
    CheckpointWriter writer(folder, checkpoints::sample_layout(), ranks);
    const SampleState sample(3);
    TrainingState state = state_of_rank(sample, ranks);
    writer.write(FileKind::kScheduled, state, true, root_of(sample));
    for (std::vector<float>* values : {&state.weights, &state.first_moments, &state.second_moments}) {
      std::fill(values->begin(), values->end(), 1.0f);
    }
    state.header.step = 99;
    writer.wait();
  });
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"step-000003.h5"});
  EXPECT_EQ(read_file(folder.path() / "step-000003.h5"), expected_file(3, true));
}

TEST_P(AnyRanks, MeetAFailureAtTheSamePollInTheSameWordsAndLeaveNothing) {
  const TestFolder folder;
  const std::filesystem::path missing = folder.path() / "missing";
  std::mutex mutex;
  std::map<std::string, int> messages;
  dist::run_local_group(GetParam(), [&](dist::Communicator& ranks) {
    CheckpointWriter writer(missing, checkpoints::sample_layout(), ranks);
    const SampleState sample(3);
    writer.write(FileKind::kScheduled, state_of_rank(sample, ranks), true, root_of(sample));
    const std::string message = polled_error(writer);
    ranks.barrier();  // the ranks have made the same calls, so they can still talk
    const std::lock_guard lock(mutex);
    ++messages[message];
  });
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_THAT(messages.begin()->first, HasSubstr("io: cannot create: " + missing.string()));
  EXPECT_EQ(messages.begin()->second, GetParam());
  EXPECT_EQ(names_in(folder), std::vector<std::string>{});
}

TEST_P(AnyRanks, RefuseToReplaceAFileWithAnotherRoot) {
  const TestFolder folder;
  const std::string before = expected_file(3, true);
  write_file_atomically(folder.path() / "step-000003.h5", before);
  std::atomic<int> refused{0};
  dist::run_local_group(GetParam(), [&](dist::Communicator& ranks) {
    CheckpointWriter writer(folder, checkpoints::sample_layout(), ranks);
    SampleState sample(3);
    sample.weights[5] += 1.0f;
    sample.digest();
    writer.write(FileKind::kScheduled, state_of_rank(sample, ranks), true, root_of(sample));
    EXPECT_THAT(error_of([&] { writer.wait(); }), HasSubstr("checkpoint: step 3 came out differently than before"));
    ++refused;
  });
  EXPECT_EQ(refused.load(), GetParam());
  EXPECT_EQ(read_file(folder.path() / "step-000003.h5"), before);
}

TEST_P(AnyRanks, FinishTheWriteInFlightWhenARankFailsForAnotherReason) {
  const TestFolder folder;
  const std::string message = error_of([&] {
    dist::run_local_group(GetParam(), [&](dist::Communicator& ranks) {
      CheckpointWriter writer(folder, checkpoints::sample_layout(), ranks);
      const SampleState sample(3);
      writer.write(FileKind::kScheduled, state_of_rank(sample, ranks), true, root_of(sample));
      if (ranks.rank() == ranks.size() - 1) throw Error(ErrorKind::kNumeric, "the test asks for it");
      if (ranks.size() > 1) ranks.barrier();
    });
  });
  EXPECT_EQ(message, "numeric: the test asks for it");
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"step-000003.h5"});
  EXPECT_EQ(read_file(folder.path() / "step-000003.h5"), expected_file(3, true));
}

INSTANTIATE_TEST_SUITE_P(Ranks, AnyRanks, testing::Values(1, 2, 3));

/// What is left of a recovery file of step 3 when step 4 has been written.
std::vector<std::string> names_behind(FileKind kind_of_fourth, bool store_moments) {
  const TestFolder folder;
  const auto alone = dist::make_local_communicator();
  CheckpointWriter writer(folder, checkpoints::sample_layout(), *alone);
  const SampleState third(3);
  writer.write(FileKind::kRecovery, state_of_rank(third, *alone), true, root_of(third));
  writer.wait();
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"recovery-000003.h5"});
  const SampleState fourth(4);
  writer.write(kind_of_fourth, state_of_rank(fourth, *alone), store_moments, root_of(fourth));
  writer.wait();
  return names_in(folder);
}

TEST(CheckpointWriter, DeletesRecoveryFilesBehindAScheduledCheckpointWithMoments) {
  EXPECT_EQ(names_behind(FileKind::kScheduled, true), std::vector<std::string>{"step-000004.h5"});
}

TEST(CheckpointWriter, KeepsARecoveryFileBehindACheckpointThatARunCannotResumeFrom) {
  EXPECT_EQ(names_behind(FileKind::kScheduled, false),
            (std::vector<std::string>{"recovery-000003.h5", "step-000004.h5"}));
}

TEST(CheckpointWriter, KeepsOneRecoveryFileTheNewest) {
  EXPECT_EQ(names_behind(FileKind::kRecovery, true), std::vector<std::string>{"recovery-000004.h5"});
}

TEST(CheckpointWriter, ThatARankLeavesIsMetByTheOthersWhileTheyWaitForTheWrite) {
  const TestFolder folder;
  std::atomic<int> met{0};
  dist::run_local_group(2, [&](dist::Communicator& ranks) {
    CheckpointWriter writer(folder, checkpoints::sample_layout(), ranks);
    if (ranks.rank() == 1) return;  // never writes
    const SampleState sample(3);
    writer.write(FileKind::kScheduled, state_of_rank(sample, ranks), true, root_of(sample));
    EXPECT_THAT(error_of([&] { writer.wait(); }), HasSubstr("distributed: rank 1 has left the group"));
    ++met;
  });
  EXPECT_EQ(met.load(), 1);
  EXPECT_EQ(names_in(folder), std::vector<std::string>{});
}

}  // namespace
}  // namespace reprise::train
