// A folder of checkpoints: listing, resuming, the chain.

#include "reprise/checkpoints/folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "reprise/checkpoints/difference.h"
#include "reprise/core/files.h"
#include "sample_state.h"

namespace reprise::checkpoints {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FolderTest : public ::testing::Test {
 protected:
  /// Writes steps 0, 1, 2, 4 as a chain, with moments at 0 and 2.
  void write_chain() {
    for (const std::uint64_t step : {0, 1, 2, 4}) write(step, step == 0 || step == 2);
  }

  void write(std::uint64_t step, bool store_moments, FileKind kind = FileKind::kScheduled) {
    SampleState state(step);
    state.header.previous_root = previous_;
    const Digest root = state.write(folder_, store_moments, *dist::make_local_communicator(), kind);
    if (kind == FileKind::kScheduled) previous_ = root;
  }

  std::filesystem::path file(std::uint64_t step) const {
    return folder_.path() / file_name(FileKind::kScheduled, step);
  }

  void damage(const std::filesystem::path& path) const {
    std::fstream stream(path, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) - 1000));
    stream.write("damaged", 7);
  }

  std::vector<std::uint64_t> listed_steps() const {
    std::vector<std::uint64_t> steps;
    for (const CheckpointInfo& info : list_checkpoints(folder_)) steps.push_back(info.header.step);
    return steps;
  }

  std::vector<std::string> problems(std::vector<std::uint64_t> expected = {}) const {
    std::vector<std::string> texts;
    for (const ChainProblem& problem : verify_chain(folder_, expected)) texts.push_back(problem.what);
    return texts;
  }

  TestFolder folder_;
  Digest previous_{};
};

TEST_F(FolderTest, ListsByStepAndIgnoresOtherFiles) {
  write(12, false);
  write(3, false);
  write(5, true, FileKind::kRecovery);
  write_file_atomically(folder_.path() / ".step-000007.h5.partial", "half");
  write_file_atomically(folder_.path() / "notes.txt", "mine");
  write_file_atomically(folder_.path() / "step-.h5", "no number");
  EXPECT_THAT(listed_steps(), ElementsAre(3, 5, 12));
}

TEST_F(FolderTest, LeavesOutDamagedFilesAndSaysWhy) {
  write_chain();
  std::filesystem::resize_file(file(1), 5000);
  const FolderScan scan = scan_checkpoints(folder_);
  EXPECT_THAT(listed_steps(), ElementsAre(0, 2, 4));
  ASSERT_EQ(scan.skipped.size(), 1u);
  EXPECT_EQ(scan.skipped[0].path, file(1));
  EXPECT_EQ(scan.skipped[0].reason.kind(), ErrorKind::kCorrupt);
}

TEST_F(FolderTest, LeavesOutAFileWhoseNameIsAnotherStep) {
  write_chain();
  std::filesystem::copy_file(file(2), file(3));
  const FolderScan scan = scan_checkpoints(folder_);
  ASSERT_EQ(scan.skipped.size(), 1u);
  EXPECT_THAT(scan.skipped[0].reason.what(), HasSubstr("holds step 2"));
}

TEST_F(FolderTest, MissingFolderIsAnIoError) { EXPECT_THROW(list_checkpoints(folder_.path() / "nowhere"), Error); }

TEST_F(FolderTest, ResumesFromTheHighestStepWithMoments) {
  write_chain();
  EXPECT_EQ(find_resumable(folder_).checkpoint->header.step, 2u);
  write(3, true, FileKind::kRecovery);
  EXPECT_EQ(find_resumable(folder_).checkpoint->path, folder_.path() / "recovery-000003.h5");
  write(3, true);
  EXPECT_EQ(find_resumable(folder_).checkpoint->path, file(3));
}

TEST_F(FolderTest, ResumesFromAnEarlierOneWhenTheNewestIsDamaged) {
  write_chain();
  damage(file(2));
  const Resumable resumable = find_resumable(folder_);
  ASSERT_TRUE(resumable.checkpoint);
  EXPECT_EQ(resumable.checkpoint->header.step, 0u);
  ASSERT_EQ(resumable.skipped.size(), 1u);
  EXPECT_EQ(resumable.skipped[0].path, file(2));
  EXPECT_EQ(resumable.skipped[0].reason.kind(), ErrorKind::kCorrupt);
}

TEST_F(FolderTest, DoesNotPassOverAFileThatTheSystemCannotRead) {
  write_chain();
  std::filesystem::create_directory(file(9));  // for root, which may read everything, too
  try {
    find_resumable(folder_);
    FAIL() << "an older checkpoint was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
  }
}

TEST_F(FolderTest, HasNothingToResumeWithoutMoments) {
  EXPECT_FALSE(find_resumable(folder_).checkpoint);
  write(0, false);
  EXPECT_FALSE(find_resumable(folder_).checkpoint);
}

TEST_F(FolderTest, SoundChainHasNoProblems) {
  write_chain();
  write(5, true, FileKind::kRecovery);
  EXPECT_THAT(problems({0, 1, 2, 4}), IsEmpty());
}

TEST_F(FolderTest, MissingStepIsAGapAndBreaksTheChain) {
  write_chain();
  std::filesystem::remove(file(1));
  EXPECT_THAT(problems({0, 1, 2, 4}),
              ElementsAre("step-000001.h5 is missing", HasSubstr("the root of step-000000.h5 is")));
}

TEST_F(FolderTest, StepThatIsNotScheduledIsAProblem) {
  write_chain();
  EXPECT_THAT(problems({0, 1, 2}), ElementsAre("no checkpoint is scheduled at this step"));
}

TEST_F(FolderTest, ARunThatGoesOnFromAnotherBeginsWithTheParentsRoot) {
  previous_ = sha256("root of the parent");
  write_chain();
  EXPECT_THAT(verify_chain(folder_, {}, sha256("root of the parent")), IsEmpty());
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("but there is no checkpoint before it")));
  const std::vector<ChainProblem> foreign = verify_chain(folder_, {}, sha256("another root"));
  ASSERT_EQ(foreign.size(), 1u);
  EXPECT_THAT(foreign[0].what, HasSubstr("the parent's root is " + sha256("another root").hex()));
}

TEST_F(FolderTest, ReplacedCheckpointBreaksTheChainAfterIt) {
  write_chain();
  SampleState other(1);
  other.header.previous_root = list_checkpoints(folder_)[0].root;
  other.weights[0] += 1;
  other.digest();
  other.write(folder_, false, *dist::make_local_communicator());
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("the root of step-000001.h5 is")));
}

TEST_F(FolderTest, CheckpointOfAnotherRunIsAProblem) {
  write_chain();
  SampleState other(6);
  other.header.previous_root = previous_;
  other.header.seed = 1;
  other.header.recipe_hash = sha256("another recipe");
  other.write(folder_, false, *dist::make_local_communicator());
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("recipe_hash is"), HasSubstr("seed is 1")));
}

TEST_F(FolderTest, DamagedFileIsAProblem) {
  write_chain();
  std::filesystem::resize_file(file(4), 100);
  EXPECT_THAT(problems({0, 1, 2, 4}), ElementsAre(HasSubstr("step-000004.h5")));
}

TEST(DifferenceTest, SameStateHasNone) {
  const TestFolder folder;
  SampleState(3).write(folder, true, *dist::make_local_communicator());
  const LoadedCheckpoint loaded = read_checkpoint(folder.path() / "step-000003.h5");
  EXPECT_FALSE(first_difference(loaded, loaded));
}

TEST(DifferenceTest, NamesTensorChunkElementAndValues) {
  const TestFolder folder;
  SampleState state(3);
  const auto local = dist::make_local_communicator();
  state.write(folder, true, *local);
  const LoadedCheckpoint a = read_checkpoint(folder.path() / "step-000003.h5");
  const TensorLayout::Entry& entry = *state.layout.find("model.layers.0.mlp.weight");
  state.weights[static_cast<std::size_t>(entry.offset + 5000)] = 8.5f;
  state.second_moments[0] = 2.0f;
  state.digest();
  state.write(folder, true, *local);
  const LoadedCheckpoint b = read_checkpoint(folder.path() / "step-000003.h5");
  const std::optional<Difference> difference = first_difference(a, b);
  ASSERT_TRUE(difference);
  EXPECT_EQ(to_string(difference->where), "weights");
  EXPECT_EQ(difference->tensor, "model.layers.0.mlp.weight");
  EXPECT_EQ(difference->chunk, 1);
  EXPECT_EQ(difference->element, 5000);
  EXPECT_EQ(difference->b, 8.5f);
  EXPECT_EQ(difference->differing_chunks, 2);
}

TEST(DifferenceTest, FindsMomentsThatAreNotStoredByTheirDigests) {
  const TestFolder folder;
  SampleState state(3);
  const auto local = dist::make_local_communicator();
  state.write(folder, false, *local);
  const LoadedCheckpoint a = read_checkpoint(folder.path() / "step-000003.h5");
  state.first_moments[1] = 4.0f;
  state.digest();
  state.write(folder, true, *local);
  const std::optional<Difference> difference = first_difference(a, read_checkpoint(folder.path() / "step-000003.h5"));
  ASSERT_TRUE(difference);
  EXPECT_EQ(to_string(difference->where), "first_moments");
  EXPECT_EQ(difference->element, -1);
}

TEST(DifferenceTest, SaysWhenTheModelsAreNotTheSame) {
  const TestFolder folder;
  const auto local = dist::make_local_communicator();
  SampleState(3).write(folder, false, *local);
  const LoadedCheckpoint a = read_checkpoint(folder.path() / "step-000003.h5");
  SampleState(3, TensorLayout({{"model.embed_tokens.weight", {40, 300}, true}})).write(folder, false, *local);
  const std::optional<Difference> difference = first_difference(a, read_checkpoint(folder.path() / "step-000003.h5"));
  ASSERT_TRUE(difference);
  EXPECT_EQ(to_string(difference->where), "layout");
}

}  // namespace
}  // namespace reprise::checkpoints
