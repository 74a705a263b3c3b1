// Checkpoints as differences from an anchor: the same content, the same roots, and the same files again when undone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <random>

#include "chain_folder.h"
#include "reprise/checkpoints/folder.h"
#include "reprise/checkpoints/storage.h"
#include "weight_delta.h"

namespace reprise::checkpoints {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

bool go_on(std::size_t, std::size_t) { return true; }

class PackTest : public ::testing::Test {
 protected:
  std::filesystem::path file(std::uint64_t step) const { return chain_.file(step); }
  StorageReport pack(bool dry_run = false) const { return pack_checkpoints(chain_.path(), dry_run, go_on); }

  std::vector<std::uint64_t> steps_of(const StorageReport& report) const {
    std::vector<std::uint64_t> steps;
    for (const StoredFile& file : report.changed) steps.push_back(file.step);
    return steps;
  }

  ChainFolder chain_;
};

TEST_F(PackTest, StoresEveryCheckpointWithoutMomentsAsDifferencesFromTheNearestAnchor) {
  const StorageReport report = pack();
  EXPECT_THAT(steps_of(report), ElementsAre(1, 2, 6, 8));
  EXPECT_EQ(report.num_left, 2u);
  EXPECT_LT(report.delta_bytes, report.weight_bytes);
  EXPECT_EQ(read_info(file(2)).anchor->step, 0u);
  EXPECT_EQ(read_info(file(6)).anchor->step, 4u);
  EXPECT_EQ(read_info(file(8)).anchor->root, read_info(file(4)).root);
  EXPECT_FALSE(read_info(file(4)).anchor);
}

TEST_F(PackTest, ReadersReturnTheSameWeightsDigestsAndRoots) {
  std::vector<LoadedCheckpoint> before;
  for (const std::uint64_t step : {1, 2, 6, 8}) before.push_back(read_checkpoint(file(step)));
  pack();
  for (const LoadedCheckpoint& whole : before) {
    const LoadedCheckpoint packed = read_checkpoint(whole.info.path);
    EXPECT_EQ(packed.info.root, whole.info.root);
    ASSERT_EQ(packed.weights.size(), whole.weights.size());
    EXPECT_EQ(std::memcmp(packed.weights.data(), whole.weights.data(), whole.weights.size() * sizeof(float)), 0);
    EXPECT_EQ(packed.digests.second_moments, whole.digests.second_moments);
    EXPECT_EQ(packed.info.header.recipe_text, whole.info.header.recipe_text);
    EXPECT_LT(packed.info.file_bytes, whole.info.file_bytes);
    EXPECT_EQ(packed.layout.entries()[3].spec.shape, whole.layout.entries()[3].spec.shape);
  }
  EXPECT_THAT(verify_chain(chain_.path()), IsEmpty());
}

TEST_F(PackTest, UnpackingGivesBackTheBytesOfEveryFile) {
  pack();
  EXPECT_THAT(steps_of(unpack_checkpoints(chain_.path(), go_on)), ElementsAre(1, 2, 6, 8));
  for (const auto& [path, bytes] : chain_.bytes()) EXPECT_EQ(read_file(path), bytes) << path;
}

TEST_F(PackTest, ASecondCallChangesNothing) {
  pack();
  const std::string bytes = read_file(file(6));
  EXPECT_THAT(pack().changed, IsEmpty());
  EXPECT_EQ(read_file(file(6)), bytes);
}

TEST_F(PackTest, DryRunMeasuresAndWritesNothing) {
  const StorageReport report = pack(true);
  EXPECT_EQ(report.changed.size(), 4u);
  for (const auto& [path, bytes] : chain_.bytes()) EXPECT_EQ(read_file(path), bytes) << path;
}

TEST_F(PackTest, StopsBetweenFilesWhenAsked) {
  pack_checkpoints(chain_.path(), false, [](std::size_t done, std::size_t) { return done < 2; });
  EXPECT_TRUE(read_info(file(1)).anchor);
  EXPECT_FALSE(read_info(file(2)).anchor);
}

TEST_F(PackTest, PacksOneFileByItsStep) {
  EXPECT_EQ(pack_checkpoint(chain_.path(), 8)->anchor_step, 4u);
  EXPECT_FALSE(pack_checkpoint(chain_.path(), 4)) << "it has moments";
  EXPECT_FALSE(pack_checkpoint(chain_.path(), 8)) << "it is packed already";
  EXPECT_FALSE(read_info(file(6)).anchor);
}

TEST_F(PackTest, CheckpointWithoutAnAnchorBeforeItStaysWhole) {
  std::filesystem::remove(file(0));
  EXPECT_THAT(steps_of(pack()), ElementsAre(6, 8));
  EXPECT_FALSE(pack_checkpoint(chain_.path(), 2));
}

TEST_F(PackTest, MissingAnchorIsOneErrorThatNamesItAndSaysWhatToDo) {
  pack();
  std::filesystem::remove(file(4));
  try {
    read_checkpoint(file(6));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
    EXPECT_THAT(error.what(), HasSubstr("step-000006.h5 is not beside it: the checkpoint of step 4 with root "));
    EXPECT_THAT(error.hint(), HasSubstr("materialize"));
  }
  EXPECT_EQ(read_info(file(6)).header.step, 6u) << "header and root need no anchor";
}

TEST_F(PackTest, AnchorIsFoundByItsRootUnderAnotherName) {
  pack();
  std::filesystem::rename(file(4), chain_.path() / "of-another-name.h5");
  EXPECT_EQ(read_checkpoint(file(6)).info.header.step, 6u);
}

TEST_F(PackTest, DamagedAnchorIsNamed) {
  pack();
  std::string bytes = chain_.bytes()[3].second;
  const SampleState anchor = ChainFolder::state_of(4);
  const std::string_view values(reinterpret_cast<const char*>(anchor.weights.data()), 256);
  bytes[bytes.find(values) + 17] ^= 1;
  write_file_atomically(file(4), bytes);
  try {
    read_checkpoint(file(6));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCorrupt);
    EXPECT_THAT(error.what(), HasSubstr("step-000004.h5"));
  }
}

TEST_F(PackTest, FlippedBitsAreFoundOrHarmless) {
  pack();
  const std::string good = read_file(file(6));
  const SampleState state = ChainFolder::state_of(6);
  std::mt19937 random(21);
  int found = 0;
  for (int round = 0; round < 300; ++round) {
    std::string bytes = good;
    bytes[random() % bytes.size()] ^= static_cast<char>(1 << (random() % 8));
    write_file_atomically(file(6), bytes);
    try {
      EXPECT_EQ(read_checkpoint(file(6)).weights, state.weights);
    } catch (const Error& error) {
      EXPECT_TRUE(error.kind() == ErrorKind::kCorrupt || error.kind() == ErrorKind::kIo ||
                  error.kind() == ErrorKind::kCheckpoint)
          << error.formatted();
      ++found;
    }
  }
  EXPECT_GT(found, 100);
}

TEST(WeightDeltaTest, KeepsEveryBitOfSpecialValues) {
  const float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> values = {0.0f, -0.0f, kInfinity, std::numeric_limits<float>::quiet_NaN(), 1e-45f, -1.5f};
  const std::vector<float> anchor = {-0.0f, 3.0f, -kInfinity, 0.5f, -1e-45f, std::numeric_limits<float>::quiet_NaN()};
  std::vector<float> decoded = anchor;
  ASSERT_TRUE(apply_delta(encode_delta(values, anchor), decoded));
  EXPECT_EQ(std::memcmp(decoded.data(), values.data(), values.size() * sizeof(float)), 0);
}

TEST(WeightDeltaTest, TakesTensorsOfMoreThanOnePiece) {
  std::vector<float> values((std::size_t{1} << 20) + 4097);
  std::vector<float> anchor(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    anchor[i] = static_cast<float>(i % 8191) * 1e-4f;
    values[i] = anchor[i] + static_cast<float>(i % 17) * 1e-7f;
  }
  std::vector<float> decoded = anchor;
  ASSERT_TRUE(apply_delta(encode_delta(values, anchor), decoded));
  EXPECT_EQ(decoded, values);
}

TEST(WeightDeltaTest, RefusesBytesThatAreCutOffOrTooMany) {
  const std::vector<float> values(5000, 1.25f);
  const std::vector<float> anchor(5000, 1.0f);
  std::vector<std::byte> bytes = encode_delta(values, anchor);
  std::vector<float> decoded = anchor;
  EXPECT_FALSE(apply_delta(std::span(bytes).first(bytes.size() - 1), decoded));
  bytes.push_back(std::byte{0});
  decoded = anchor;
  EXPECT_FALSE(apply_delta(bytes, decoded));
  decoded.resize(4999);
  bytes.pop_back();
  EXPECT_FALSE(apply_delta(bytes, decoded));
}

}  // namespace
}  // namespace reprise::checkpoints
