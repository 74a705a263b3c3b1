// Writing and reading one checkpoint: what goes in comes out, and the bytes are a function of the content.

#include "reprise/checkpoints/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/merkle.h"
#include "reprise/dist/local_group.h"
#include "sample_state.h"

namespace reprise::checkpoints {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().filename());
  return names;
}

void expect_same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0);
}

TEST(CheckpointTest, GivesBackHeaderTensorsAndDigests) {
  const TestFolder folder;
  SampleState state;
  state.weights[5] = -0.0f;
  state.weights[6] = std::numeric_limits<float>::quiet_NaN();
  state.weights[8] = std::numeric_limits<float>::denorm_min();
  state.digest();
  state.header.previous_root = sha256("before");
  const Digest root = state.write(folder, true, *dist::make_local_communicator());
  const LoadedCheckpoint loaded = read_checkpoint(folder.path() / "step-000003.h5");
  EXPECT_EQ(loaded.info.root, root);
  EXPECT_EQ(loaded.info.kind, FileKind::kScheduled);
  EXPECT_TRUE(loaded.info.has_moments);
  EXPECT_EQ(loaded.info.file_bytes, std::filesystem::file_size(folder.path() / "step-000003.h5"));
  expect_same_bits(loaded.weights, state.weights);
  expect_same_bits(loaded.first_moments, state.first_moments);
  expect_same_bits(loaded.second_moments, state.second_moments);
  EXPECT_EQ(loaded.digests.weights, state.digests.weights);
  EXPECT_EQ(loaded.digests.first_moments, state.digests.first_moments);
  EXPECT_EQ(loaded.digests.second_moments, state.digests.second_moments);
  const Header& header = loaded.info.header;
  EXPECT_EQ(header.step, 3u);
  EXPECT_EQ(header.tokens_seen, state.header.tokens_seen);
  EXPECT_EQ(header.next_sample, state.header.next_sample);
  EXPECT_EQ(header.adam_step, state.header.adam_step);
  EXPECT_EQ(header.beta1_power, state.header.beta1_power);
  EXPECT_EQ(header.beta2_power, state.header.beta2_power);
  EXPECT_EQ(header.seed, state.header.seed);
  EXPECT_EQ(header.contract_version, state.header.contract_version);
  EXPECT_EQ(header.recipe_hash, state.header.recipe_hash);
  EXPECT_EQ(header.data_root, state.header.data_root);
  EXPECT_EQ(header.previous_root, state.header.previous_root);
  EXPECT_EQ(header.recipe_text, state.header.recipe_text);
}

TEST(CheckpointTest, GivesBackNamesShapesAndOrderOfTensors) {
  const TestFolder folder;
  const SampleState state;
  state.write(folder, false, *dist::make_local_communicator());
  const TensorLayout layout = read_checkpoint(folder.path() / "step-000003.h5").layout;
  ASSERT_EQ(layout.entries().size(), state.layout.entries().size());
  for (std::size_t i = 0; i < layout.entries().size(); ++i) {
    EXPECT_EQ(layout.entries()[i].spec.name, state.layout.entries()[i].spec.name);
    EXPECT_EQ(layout.entries()[i].spec.shape, state.layout.entries()[i].spec.shape);
  }
}

TEST(CheckpointTest, RootCoversMomentsThatAreNotStored) {
  const TestFolder with;
  const TestFolder without;
  const SampleState state;
  const Digest root = state.write(with, true, *dist::make_local_communicator());
  EXPECT_EQ(state.write(without, false, *dist::make_local_communicator()), root);
  const LoadedCheckpoint loaded = read_checkpoint(without.path() / "step-000003.h5");
  EXPECT_FALSE(loaded.info.has_moments);
  EXPECT_TRUE(loaded.first_moments.empty());
  EXPECT_EQ(loaded.digests.second_moments, state.digests.second_moments);
  EXPECT_LT(loaded.info.file_bytes, std::filesystem::file_size(with.path() / "step-000003.h5"));
}

TEST(CheckpointTest, RootDependsOnEachFieldOfTheHeaderButTheText) {
  const SampleState state;
  const Digest root = checkpoint_root(state.header, state.layout, state.digests);
  const auto root_with = [&](auto&& change) {
    Header header = state.header;
    change(header);
    return checkpoint_root(header, state.layout, state.digests);
  };
  EXPECT_NE(root_with([](Header& h) { ++h.step; }), root);
  EXPECT_NE(root_with([](Header& h) { ++h.tokens_seen; }), root);
  EXPECT_NE(root_with([](Header& h) { ++h.next_sample; }), root);
  EXPECT_NE(root_with([](Header& h) { ++h.adam_step; }), root);
  EXPECT_NE(root_with([](Header& h) { h.beta1_power = std::nextafter(h.beta1_power, 1.0); }), root);
  EXPECT_NE(root_with([](Header& h) { h.beta2_power = std::nextafter(h.beta2_power, 1.0); }), root);
  EXPECT_NE(root_with([](Header& h) { ++h.seed; }), root);
  EXPECT_NE(root_with([](Header& h) { ++h.contract_version; }), root);
  EXPECT_NE(root_with([](Header& h) { h.recipe_hash.bytes[0] ^= 1; }), root);
  EXPECT_NE(root_with([](Header& h) { h.data_root.bytes[31] ^= 1; }), root);
  EXPECT_NE(root_with([](Header& h) { h.previous_root.bytes[7] ^= 1; }), root);
  EXPECT_EQ(root_with([](Header& h) { h.recipe_text += "# a comment"; }), root);
}

// Made by the Python program in docs/formats/checkpoint.md (hashlib, Python 3.11) from a file of the sample state.
TEST(CheckpointTest, RootIsTheOneThatPythonComputes) {
  const SampleState state;
  EXPECT_EQ(checkpoint_root(state.header, state.layout, state.digests).hex(), "f0d8ac3f1d5072287e0cee6ba940b77d5e8fc84fc5dc5047b33205135f854237");
  EXPECT_EQ(state_digest(3, state.layout, state.digests).hex(), "998a091547cbf653a3d434c7184a00670cbf6c6c39fbe2c5ff93ac88ec434a33");
}

TEST(CheckpointTest, ProgramOfTheFormatPageAgreesWithTheRoot) {
  const char* const python = std::getenv("REPRISE_PEERS_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "REPRISE_PEERS_PYTHON is not set";
  const TestFolder folder;
  const SampleState state;
  const Digest root = state.write(folder, true, *dist::make_local_communicator());
  const std::string page = read_file(REPRISE_SOURCE_DIR "/docs/formats/checkpoint.md");
  const std::size_t begin = page.find("```python\n") + 10;
  const std::size_t end = page.find("```", begin);
  write_file_atomically(folder.path() / "roots.py", std::string_view(page).substr(begin, end - begin));
  const std::string line = fmt::format("{} {}/roots.py {}/step-000003.h5 > {}/answer", python, folder.path().string(),
                                       folder.path().string(), folder.path().string());
  ASSERT_EQ(std::system(line.c_str()), 0);
  EXPECT_EQ(read_file(folder.path() / "answer").substr(0, 64), root.hex());
}

TEST(CheckpointTest, SameStateGivesTheSameFileBytesInAnyFolderAtAnyTime) {
  const TestFolder a;
  const TestFolder b;
  const SampleState state;
  state.write(a, true, *dist::make_local_communicator());
  ::usleep(1'100'000);  // HDF5's clock counts seconds
  state.write(b, true, *dist::make_local_communicator());
  EXPECT_EQ(read_file(a.path() / "step-000003.h5"), read_file(b.path() / "step-000003.h5"));
}

TEST(CheckpointTest, GroupsOfAnySizeWriteTheSameFileBytes) {
  const TestFolder single;
  const SampleState state;
  const Digest root = state.write(single, true, *dist::make_local_communicator());
  const std::string bytes = read_file(single.path() / "step-000003.h5");
  for (const int num_ranks : {2, 3, 20}) {
    const TestFolder folder;
    dist::run_local_group(num_ranks, [&](dist::Communicator& ranks) {
      EXPECT_EQ(state.write(folder, true, ranks), root);
    });
    EXPECT_EQ(read_file(folder.path() / "step-000003.h5"), bytes) << num_ranks;
  }
}

TEST(CheckpointTest, LeavesNothingButTheFinishedFile) {
  const TestFolder folder;
  const SampleState state;
  state.write(folder, false, *dist::make_local_communicator());
  EXPECT_THAT(names_in(folder), ElementsAre("step-000003.h5"));
}

TEST(CheckpointTest, RecoveryFileHasItsOwnName) {
  const TestFolder folder;
  const SampleState state;
  state.write(folder, true, *dist::make_local_communicator(), FileKind::kRecovery);
  EXPECT_THAT(names_in(folder), ElementsAre("recovery-000003.h5"));
  EXPECT_EQ(read_info(folder.path() / "recovery-000003.h5").kind, FileKind::kRecovery);
  EXPECT_EQ(file_name(FileKind::kScheduled, 1234567), "step-1234567.h5");
}

TEST(CheckpointTest, ReplacesAnOlderFileOfTheSameName) {
  const TestFolder folder;
  SampleState state;
  state.write(folder, true, *dist::make_local_communicator());
  state.weights[0] += 1;
  state.digest();
  const Digest root = state.write(folder, false, *dist::make_local_communicator());
  EXPECT_EQ(read_checkpoint(folder.path() / "step-000003.h5").info.root, root);
}

TEST(CheckpointTest, KeepsAnEmptyRecipeTextAndALayoutOfOneNumber) {
  const TestFolder folder;
  SampleState state(0, TensorLayout({{"scale", {}, true}}));
  state.header.recipe_text.clear();
  state.write(folder, true, *dist::make_local_communicator());
  const LoadedCheckpoint loaded = read_checkpoint(folder.path() / "step-000000.h5");
  EXPECT_EQ(loaded.info.header.recipe_text, "");
  EXPECT_TRUE(loaded.layout.entries()[0].spec.shape.empty());
  expect_same_bits(loaded.weights, state.weights);
}

TEST(CheckpointTest, HoldsHundredsOfTensors) {
  const TestFolder folder;
  std::vector<TensorSpec> specs;
  for (int i = 0; i < 700; ++i) specs.push_back({fmt::format("model.layers.{}.weight", i), {3, 2}, true});
  const SampleState state(1, TensorLayout(specs));
  state.write(folder, true, *dist::make_local_communicator());
  expect_same_bits(read_checkpoint(folder.path() / "step-000001.h5").second_moments, state.second_moments);
}

}  // namespace
}  // namespace reprise::checkpoints
