// Failures that published runs have had: the weights of one step under the name of many others, shards of another step,
// listed checkpoints that are not there. Each is named with what the file claims, what it is, and what it equals.

#include "reprise/checkpoints/examine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chain_folder.h"
#include "reprise/checkpoints/prune.h"
#include "reprise/checkpoints/storage.h"

namespace reprise::checkpoints {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = Finding::Kind;

/// A chain of steps 0, 1, 2, 4, 6, 8 and what its run would have logged.
class ExamineTest : public ::testing::Test {
 protected:
  ExamineTest() {
    for (std::uint64_t step = 1; step <= 8; ++step) {
      const SampleState state = ChainFolder::state_of(step);
      ledger_.states[step] = state_digest(step, state.layout, state.digests);
    }
    for (const std::uint64_t step : {0, 1, 2, 4, 6, 8}) ledger_.roots[step] = read_info(file(step)).root;
    ledger_.moments = {0, 4};
    ledger_.recipe_hash = sha256("recipe");
    ledger_.data_root = sha256("data");
  }

  std::filesystem::path file(std::uint64_t step) const { return chain_.file(step); }
  std::vector<Finding> examine() const {
    return examine_checkpoints(chain_.path(), ledger_, [](std::size_t, std::size_t) {});
  }

  /// Writes a file that is right in itself: the name and header of one step, with the state of another.
  void forge(std::uint64_t claimed, const SampleState& state, const Digest& previous_root) const {
    SampleState forged = state;
    forged.header.step = claimed;
    forged.header.previous_root = previous_root;
    forged.write(chain_.path(), false, *dist::make_local_communicator());
  }

  ChainFolder chain_;
  Ledger ledger_;
};

TEST_F(ExamineTest, SoundFolderHasNoFindings) { EXPECT_THAT(examine(), IsEmpty()); }

TEST_F(ExamineTest, TheFirstCheckpointOfAForkIsKnownByItsRoot) {
  for (const std::uint64_t step : {0, 1, 2}) {
    std::filesystem::remove(file(step));
    ledger_.roots.erase(step);
  }
  for (const std::uint64_t step : {1, 2, 3, 4}) ledger_.states.erase(step);
  EXPECT_THAT(examine(), IsEmpty());
}

TEST_F(ExamineTest, TwoFilesWithTheirNamesExchangedAreSwapped) {
  std::filesystem::rename(file(2), chain_.path() / "between");
  std::filesystem::rename(file(6), file(2));
  std::filesystem::rename(chain_.path() / "between", file(6));
  const std::vector<Finding> findings = examine();
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].kind, Kind::kSwapped);
  EXPECT_EQ(findings[0].path, file(2));
  EXPECT_EQ(findings[0].step, 2u);
  EXPECT_EQ(findings[0].actual_step, 6u);
  EXPECT_EQ(findings[0].what,
            "claims step 2 (its header says step 6), is step 6; step-000006.h5 is step 2: they are swapped");
  EXPECT_EQ(findings[1].kind, Kind::kSwapped);
  EXPECT_EQ(findings[1].actual_step, 2u);
}

TEST_F(ExamineTest, AFileCopiedToAnotherStepIsADuplicateOfTheFileItEquals) {
  std::filesystem::copy_file(file(8), file(4), std::filesystem::copy_options::overwrite_existing);
  const std::vector<Finding> findings = examine();
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].kind, Kind::kDuplicate);
  EXPECT_EQ(findings[0].step, 4u);
  EXPECT_EQ(findings[0].actual_step, 8u);
  EXPECT_THAT(findings[0].equals, ElementsAre("step-000008.h5"));
}

// pythia#205: 86 of 154 revisions hold weights of the last era, 76 of them the very last ones, each under a step of its
// own.
TEST_F(ExamineTest, ManyStepsWithTheWeightsOfTheLastOneAreEachNamedThoughTheirHeadersSayOtherwise) {
  const SampleState last = ChainFolder::state_of(8);
  for (const std::uint64_t step : {1, 2, 6}) forge(step, last, std::prev(ledger_.roots.find(step))->second);
  const std::vector<Finding> findings = examine();
  ASSERT_EQ(findings.size(), 3u);
  for (const Finding& found : findings) {
    EXPECT_EQ(found.kind, Kind::kDuplicate);
    EXPECT_EQ(found.actual_step, 8u);
    EXPECT_THAT(found.equals, ::testing::Contains("step-000008.h5"));
    EXPECT_EQ(found.equals.size(), 3u);
  }
  EXPECT_THAT(findings[2].what, HasSubstr("claims step 6, is step 8"));
}

TEST_F(ExamineTest, TheWeightsOfAStepThatWasNotStoredAreKnownByTheLog) {
  forge(6, ChainFolder::state_of(7), ledger_.roots[4]);
  const std::vector<Finding> findings = examine();
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].kind, Kind::kWrongStep);
  EXPECT_EQ(findings[0].actual_step, 7u);
  EXPECT_EQ(findings[0].what, "claims step 6, is step 7");
}

TEST_F(ExamineTest, OneTensorOfAnotherStepMakesAStateThatNoStepHas) {
  SampleState mixed = ChainFolder::state_of(6);
  const SampleState other = ChainFolder::state_of(2);
  const TensorLayout::Entry& entry = mixed.layout.entries()[2];
  std::copy_n(other.weights.begin() + entry.offset, entry.spec.num_elements(), mixed.weights.begin() + entry.offset);
  mixed.digest();
  forge(6, mixed, ledger_.roots[4]);
  const std::vector<Finding> findings = examine();
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].kind, Kind::kUnknownState);
  EXPECT_THAT(findings[0].what, HasSubstr("claims step 6, holds a state that no step in run.log has"));
}

// OLMo-core#729: every listed checkpoint of a stage answers "not found".
TEST_F(ExamineTest, ListedCheckpointsThatAreNotThereAreEachMissing) {
  for (const std::uint64_t step : {1, 2, 8}) std::filesystem::remove(file(step));
  const std::vector<Finding> findings = examine();
  ASSERT_EQ(findings.size(), 3u);
  for (const Finding& found : findings) EXPECT_EQ(found.kind, Kind::kMissing);
  EXPECT_EQ(findings[2].what, "step-000008.h5 is missing: run.log lists it");
}

TEST_F(ExamineTest, NewestFilesOfAnUnfinishedRunMayNotBeThereYet) {
  std::filesystem::remove(file(8));
  ledger_.finished = false;
  EXPECT_THAT(examine(), IsEmpty());
}

TEST_F(ExamineTest, PrunedFilesAreNotMissing) {
  prune_checkpoints(chain_.path(), {std::nullopt, 4, {}}, false);
  EXPECT_THAT(examine(), IsEmpty());
}

TEST_F(ExamineTest, ARecordOfPruningCannotHideAnotherRoot) {
  prune_checkpoints(chain_.path(), {std::nullopt, 4, {}}, false);
  ledger_.roots[2].bytes[0] ^= 1;
  const std::vector<Finding> findings = examine();
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_THAT(findings[0].what, HasSubstr("was pruned with root"));
}

TEST_F(ExamineTest, ARecordOfPruningCannotHideAnotherChain) {
  prune_checkpoints(chain_.path(), {std::nullopt, 4, {}}, false);
  const std::filesystem::path record = chain_.path() / "pruned.json";
  std::string text = read_file(record);
  const std::string root = ledger_.roots[2].hex();  // the previous one of step 6 is step 4, that of step 2 step 1
  const std::string before = ledger_.roots[1].hex();
  ASSERT_NE(text.rfind(before), text.find(before));
  write_file_atomically(record, text.replace(text.rfind(before), before.size(), root));
  const std::vector<Finding> findings = examine();
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].step, 2u);
  EXPECT_THAT(findings[0].what, HasSubstr("was pruned with previous_root " + root));
}

TEST_F(ExamineTest, AFileUnderAnotherNameOfItsStepIsMisnamedAndItsOwnNameMissing) {
  std::filesystem::copy_file(file(2), chain_.path() / "step-2.h5");
  EXPECT_EQ(examine().at(0).kind, Kind::kMisnamed);
  std::filesystem::remove(file(2));
  const std::vector<Finding> findings = examine();
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].kind, Kind::kMisnamed);
  EXPECT_EQ(findings[0].what, "is named wrongly: step-000002.h5 is the name of step 2");
  EXPECT_EQ(findings[1].kind, Kind::kMissing);
}

TEST_F(ExamineTest, MomentsMayBeTakenOutByPruningAlone) {
  SampleState four = ChainFolder::state_of(4);
  four.header.previous_root = ledger_.roots[2];
  std::filesystem::remove(file(4));
  EXPECT_EQ(four.write(chain_.path(), false, *dist::make_local_communicator()), ledger_.roots[4]);
  const std::vector<Finding> findings = examine();
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].kind, Kind::kNoMoments);
  four.write(chain_.path(), true, *dist::make_local_communicator());
  EXPECT_THAT(examine(), IsEmpty());
  prune_checkpoints(chain_.path(), {1, std::nullopt, {}}, false);
  EXPECT_FALSE(read_info(file(0)).has_moments);
  EXPECT_THAT(examine(), IsEmpty());
}

TEST_F(ExamineTest, AFileOfAnotherRunIsForeign) {
  SampleState other = ChainFolder::state_of(6);
  other.header.recipe_hash = sha256("another recipe");
  forge(6, other, ledger_.roots[4]);
  const std::vector<Finding> findings = examine();
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].kind, Kind::kForeign);
  EXPECT_THAT(findings[0].what, HasSubstr("claims step 6 and is of another run: recipe_hash "));
}

TEST_F(ExamineTest, AFileThatWasTrainedOnOtherDataIsForeign) {
  SampleState other = ChainFolder::state_of(6);
  other.header.data_root = sha256("other data");
  forge(6, other, ledger_.roots[4]);
  EXPECT_EQ(examine().at(0).kind, Kind::kForeign);
}

TEST_F(ExamineTest, ARecoveryFileBehindWhichACheckpointWithMomentsIsThereIsStale) {
  const SampleState state = ChainFolder::state_of(3);
  state.write(chain_.path(), true, *dist::make_local_communicator(), FileKind::kRecovery);
  const std::vector<Finding> findings = examine();
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].kind, Kind::kStaleRecovery);
  EXPECT_EQ(findings[0].what, "is stale: step-000004.h5 is there; delete it");
}

TEST_F(ExamineTest, ARecoveryFileStaysAsLongAsOnlyCheckpointsWithoutMomentsFollow) {
  for (const std::uint64_t step : {5, 6}) {  // 6 and 8 have a checkpoint without moments, 5 has none
    const SampleState state = ChainFolder::state_of(step);
    state.write(chain_.path(), true, *dist::make_local_communicator(), FileKind::kRecovery);
  }
  EXPECT_THAT(examine(), IsEmpty());
}

TEST_F(ExamineTest, ARecoveryFileBehindTheNewestCheckpointIsAsItShouldBe) {
  const SampleState state = ChainFolder::state_of(9);
  ledger_.states[9] = state_digest(9, state.layout, state.digests);
  state.write(chain_.path(), true, *dist::make_local_communicator(), FileKind::kRecovery);
  EXPECT_THAT(examine(), IsEmpty());
}

TEST_F(ExamineTest, AFileAtAStepThatTheRunDidNotStoreIsNotListed) {
  forge(5, ChainFolder::state_of(5), ledger_.roots[4]);
  const std::vector<Finding> findings = examine();
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].kind, Kind::kNotListed);
}

TEST_F(ExamineTest, AFileWithAnotherParentBreaksTheChain) {
  forge(6, ChainFolder::state_of(6), sha256("another parent"));
  const std::vector<Finding> findings = examine();
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].kind, Kind::kBrokenChain);
  EXPECT_THAT(findings[0].what, HasSubstr("does not follow the checkpoint of step 4"));
}

TEST_F(ExamineTest, DamageIsNamedWithItsPlace) {
  std::filesystem::resize_file(file(4), 5000);
  EXPECT_EQ(examine().at(0).kind, Kind::kDamaged);
}

TEST_F(ExamineTest, EverythingAtOnceIsNamedOnceEach) {
  std::filesystem::rename(file(1), chain_.path() / "between");
  std::filesystem::rename(file(2), file(1));
  std::filesystem::rename(chain_.path() / "between", file(2));
  std::filesystem::copy_file(file(8), file(4), std::filesystem::copy_options::overwrite_existing);
  std::filesystem::remove(file(6));
  std::vector<Kind> kinds;
  for (const Finding& found : examine()) kinds.push_back(found.kind);
  EXPECT_THAT(kinds, ElementsAre(Kind::kSwapped, Kind::kSwapped, Kind::kDuplicate, Kind::kMissing));
}

TEST_F(ExamineTest, FilesOfDifferencesAreExaminedLikeWholeOnes) {
  pack_checkpoints(chain_.path(), false, [](std::size_t, std::size_t) { return true; });
  EXPECT_THAT(examine(), IsEmpty());
  std::filesystem::copy_file(file(2), file(1), std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(examine().at(0).kind, Kind::kDuplicate);
}

class StoredScheduleTest : public ExamineTest {
 protected:
  std::vector<std::uint64_t> steps() const {
    std::vector<std::uint64_t> steps;
    for (const CheckpointInfo& info : stored_schedule(chain_.path(), ledger_)) steps.push_back(info.header.step);
    return steps;
  }
  /// What is wrong, where there should be an error.
  std::string refusal() const {
    try {
      steps();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
      EXPECT_THAT(error.hint(), HasSubstr("reprise checkpoint verify " + chain_.path().parent_path().string()));
      return error.what();
    }
    return "all are there";
  }
};

TEST_F(StoredScheduleTest, IsEveryScheduledCheckpointThatWasNotPruned) {
  ChainFolder::state_of(3).write(chain_.path(), true, *dist::make_local_communicator(), FileKind::kRecovery);
  EXPECT_THAT(steps(), ElementsAre(0, 1, 2, 4, 6, 8));
  write_file_atomically(chain_.path() / file_name(FileKind::kRecovery, 3), "damaged");
  EXPECT_THAT(steps(), ElementsAre(0, 1, 2, 4, 6, 8)) << "a recovery file is none of them";
  prune_checkpoints(chain_.path(), {std::nullopt, 4, {}}, false);
  EXPECT_THAT(steps(), ElementsAre(0, 4, 8));
}

TEST_F(StoredScheduleTest, IsRefusedWhereOneIsDamagedOrNamedWrongly) {
  std::filesystem::rename(file(6), chain_.path() / "step-6.h5");
  EXPECT_THAT(refusal(), HasSubstr("named wrongly"));
  std::filesystem::rename(chain_.path() / "step-6.h5", file(6));
  std::filesystem::resize_file(file(4), 5000);
  EXPECT_THAT(refusal(), HasSubstr("step-000004.h5"));
}

TEST_F(StoredScheduleTest, NamesTheStepsThatTheRunListsAndThatAreNotThere) {
  for (const std::uint64_t step : {1, 6, 8}) std::filesystem::remove(file(step));
  EXPECT_THAT(refusal(), HasSubstr("run.log lists step(s) 1, 6, 8 too"));
  ledger_.finished = false;
  EXPECT_THAT(refusal(), HasSubstr("run.log lists step(s) 1 too")) << "the log of an unfinished run is ahead";
  EXPECT_EQ(stored_schedule(chain_.path(), std::nullopt).size(), 3u);
}

}  // namespace
}  // namespace reprise::checkpoints
