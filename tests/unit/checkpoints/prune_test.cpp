// Taking away what can be computed again, and telling it from what is missing.

#include "reprise/checkpoints/prune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chain_folder.h"
#include "reprise/checkpoints/folder.h"
#include "reprise/checkpoints/storage.h"

namespace reprise::checkpoints {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Steps 0, 1, 2, 4, 6, 8, 12; moments at 0, 4 and 12.
class PruneTest : public ::testing::Test {
 protected:
  PruneTest() { chain_.write(12, true); }

  PruneReport prune(const PruneRule& rule, bool dry_run = false) const {
    return prune_checkpoints(chain_.path(), rule, dry_run);
  }
  PruneReport keep_moments(std::uint64_t count) const { return prune({count, std::nullopt, {}}); }
  PruneReport keep_every(std::uint64_t steps) const { return prune({std::nullopt, steps, {}}); }

  std::vector<std::uint64_t> stored() const {
    std::vector<std::uint64_t> steps;
    for (const CheckpointInfo& info : list_checkpoints(chain_.path())) steps.push_back(info.header.step);
    return steps;
  }
  std::vector<std::uint64_t> with_moments() const {
    std::vector<std::uint64_t> steps;
    for (const CheckpointInfo& info : list_checkpoints(chain_.path())) {
      if (info.has_moments) steps.push_back(info.header.step);
    }
    return steps;
  }
  std::vector<std::string> problems() const {
    const std::vector<std::uint64_t> expected = {0, 1, 2, 4, 6, 8, 12};
    std::vector<std::string> texts;
    for (const ChainProblem& problem : verify_chain(chain_.path(), expected)) texts.push_back(problem.what);
    return texts;
  }
  std::filesystem::path record() const { return chain_.path() / "pruned.json"; }

  ChainFolder chain_;
};

TEST_F(PruneTest, KeepsMomentsInTheNewestCheckpointsThatHaveThem) {
  const PruneReport report = keep_moments(2);
  ASSERT_EQ(report.changed.size(), 1u);
  EXPECT_EQ(report.changed[0].step, 0u);
  EXPECT_GT(report.changed[0].bytes_freed, 0u);
  EXPECT_THAT(with_moments(), ElementsAre(4, 12));
  EXPECT_THAT(stored(), ElementsAre(0, 1, 2, 4, 6, 8, 12));
}

TEST_F(PruneTest, ACheckpointWithoutItsMomentsKeepsWeightsAndRoot) {
  const LoadedCheckpoint before = read_checkpoint(chain_.file(4));
  keep_moments(1);
  const LoadedCheckpoint after = read_checkpoint(chain_.file(4));
  EXPECT_FALSE(after.info.has_moments);
  EXPECT_EQ(after.info.root, before.info.root);
  EXPECT_EQ(after.weights, before.weights);
  EXPECT_EQ(after.digests.first_moments, before.digests.first_moments);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(PruneTest, DeletedFilesAreNotMissingAndTheChainHoldsAcrossThem) {
  keep_every(4);
  EXPECT_THAT(stored(), ElementsAre(0, 4, 8, 12));
  EXPECT_THAT(problems(), IsEmpty());
  const std::vector<PrunedCheckpoint> pruned = read_pruned(chain_.path());
  ASSERT_EQ(pruned.size(), 3u);
  EXPECT_EQ(pruned[1].step, 2u);
  EXPECT_TRUE(pruned[1].whole_file);
  EXPECT_EQ(pruned[1].root, read_info(chain_.file(4)).header.previous_root);
}

TEST_F(PruneTest, WithoutTheRecordTheSameFilesAreMissing) {
  keep_every(4);
  std::filesystem::remove(record());
  EXPECT_THAT(problems(), ::testing::Contains("step-000002.h5 is missing"));
}

TEST_F(PruneTest, ARecordOfAnotherRootBreaksTheChain) {
  keep_every(4);
  std::string text = read_file(record());
  const std::size_t root = text.find(read_info(chain_.file(4)).header.previous_root.hex());
  text[root] = text[root] == '0' ? '1' : '0';
  write_file_atomically(record(), text);
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("the root of step-000002.h5 is")));
}

TEST_F(PruneTest, DamagedRecordIsNamed) {
  const std::string deep(200'000, '[');
  for (const std::string& text : {std::string("{\"format\": \"reprise.pruned.v1\"}"), deep}) {
    write_file_atomically(record(), text);
    try {
      read_pruned(chain_.path());
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kCorrupt);
      EXPECT_THAT(error.what(), HasSubstr("pruned.json"));
      EXPECT_THAT(error.what(), HasSubstr(text == deep ? "nest more than" : "key 'pruned' not found"));
    }
  }
}

TEST_F(PruneTest, RecordThatIsALinkToItselfIsNamedAsAFileThatCannotBeOpened) {
  std::filesystem::create_symlink("pruned.json", record());
  try {
    read_pruned(chain_.path());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_THAT(error.what(), HasSubstr("cannot open: " + record().string()));
  }
}

TEST_F(PruneTest, NeverTakesTheLastOneToResumeFromOrTheNewest) {
  std::filesystem::remove(chain_.file(12));
  const PruneReport report = prune({std::nullopt, std::nullopt, {1}});
  EXPECT_THAT(stored(), ElementsAre(1, 4, 8));
  ASSERT_EQ(report.kept_back.size(), 2u);
  EXPECT_EQ(report.kept_back[0].reason, "it is the newest");
  EXPECT_EQ(report.kept_back[1].step, 4u);
  EXPECT_EQ(find_resumable(chain_.path()).checkpoint->header.step, 4u);
}

TEST_F(PruneTest, RefusesAStepToKeepThatCannotBeReadAndTouchesNothing) {
  std::filesystem::resize_file(chain_.file(6), 100);
  const std::vector<std::uint64_t> before = stored();
  try {
    prune({std::nullopt, std::nullopt, {4, 6}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
    EXPECT_THAT(error.what(), HasSubstr("step 6"));
  }
  EXPECT_EQ(stored(), before);
  EXPECT_FALSE(std::filesystem::exists(record()));
}

TEST_F(PruneTest, KeepsAnOlderOneToResumeFromWhenTheNewestIsDamaged) {
  std::filesystem::resize_file(chain_.file(12), std::filesystem::file_size(chain_.file(12)) - 100);
  keep_moments(1);
  EXPECT_THAT(with_moments(), ElementsAre(4));
}

TEST_F(PruneTest, NeverTakesTheAnchorOfAFileThatStays) {
  pack_checkpoints(chain_.path(), false, [](std::size_t, std::size_t) { return true; });
  const PruneReport report = prune({std::nullopt, std::nullopt, {6, 12}});
  EXPECT_THAT(stored(), ElementsAre(4, 6, 12));
  EXPECT_THAT(report.kept_back[0].reason, HasSubstr("step 6 is stored as its difference"));
  EXPECT_EQ(read_checkpoint(chain_.file(6)).info.header.step, 6u);
}

TEST_F(PruneTest, AnchorsWithoutMomentsGoOnServingTheirFilesAndStayWhole) {
  const auto pack = [&] {
    return pack_checkpoints(chain_.path(), false, [](std::size_t, std::size_t) { return true; });
  };
  pack();
  keep_moments(1);
  EXPECT_THAT(pack().changed, IsEmpty());
  for (const std::uint64_t step : {1, 2, 6, 8}) EXPECT_NO_THROW(read_checkpoint(chain_.file(step)));
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(PruneTest, DryRunSaysWhatItWouldDoAndChangesNothing) {
  const PruneReport report = prune({1, 4, {}}, true);
  EXPECT_EQ(report.changed.size(), 5u);
  EXPECT_FALSE(std::filesystem::exists(record()));
  for (const auto& [path, bytes] : chain_.bytes()) EXPECT_EQ(read_file(path), bytes) << path;
}

TEST_F(PruneTest, ASecondCallChangesNothing) {
  keep_moments(1);
  const std::string text = read_file(record());
  EXPECT_THAT(keep_moments(1).changed, IsEmpty());
  EXPECT_EQ(read_file(record()), text);
}

TEST_F(PruneTest, ARecordedFileThatIsStillThereIsNoProblemAndGoesWithTheNextCall) {
  const std::string bytes = read_file(chain_.file(2));
  keep_every(4);
  write_file_atomically(chain_.file(2), bytes);  // as after a kill between the record and the deletion
  EXPECT_THAT(problems(), IsEmpty());
  EXPECT_EQ(keep_every(4).changed.size(), 1u);
  EXPECT_THAT(stored(), ElementsAre(0, 4, 8, 12));
}

TEST_F(PruneTest, RefusesAFolderWithNothingToResumeFrom) {
  for (const std::uint64_t step : {0, 4, 12}) std::filesystem::remove(chain_.file(step));
  try {
    keep_every(2);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.hint(), HasSubstr(fmt::format("materialize {} --step 8`", chain_.path().parent_path().string())));
    EXPECT_THAT(error.hint(), HasSubstr("move the file that it writes into " + chain_.path().string()));
  }
  EXPECT_THAT(stored(), ElementsAre(1, 2, 6, 8));
}

TEST(StorageRuleTest, ARunKeepsMomentsInTheNewestAndStoresTheOthersAsDifferencesFromTheNearest) {
  ChainFolder chain(ChainFolder::kEmpty);
  for (const std::uint64_t step : {0, 1, 2, 4, 6, 8, 12}) {
    chain.write(step, step % 4 == 0 && step != 8);
    apply_rule(chain.path(), step, {true, 1});
    EXPECT_EQ(find_resumable(chain.path()).checkpoint->header.step, step / 4 * 4 == 8 ? 4 : step / 4 * 4);
  }
  EXPECT_FALSE(read_info(chain.file(4)).has_moments);
  EXPECT_EQ(read_info(chain.file(2)).anchor->step, 0u);
  EXPECT_EQ(read_info(chain.file(8)).anchor->step, 4u);
  for (const std::uint64_t step : {1, 2, 6, 8}) EXPECT_NO_THROW(read_checkpoint(chain.file(step)));
  EXPECT_THAT(verify_chain(chain.path()), IsEmpty());
}

TEST_F(PruneTest, RefusesToKeepNoMomentsAtAll) { EXPECT_THROW(keep_moments(0), Error); }

}  // namespace
}  // namespace reprise::checkpoints
