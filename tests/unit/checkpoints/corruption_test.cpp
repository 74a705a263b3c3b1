// Damage anywhere in a file: it is found, or it changes nothing; it never crashes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/stat.h>

#include <fstream>
#include <optional>
#include <random>

#include "reprise/checkpoints/checkpoint.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "sample_state.h"

namespace reprise::checkpoints {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CorruptionTest : public ::testing::Test {
 protected:
  CorruptionTest() {
    state_.write(folder_, true, *dist::make_local_communicator());
    path_ = folder_.path() / "step-000003.h5";
    good_ = read_file(path_);
  }

  void store(std::string_view bytes) const {
    std::ofstream out(path_, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  /// Returns the error of reading `bytes`, or nothing when what is read is what was written.
  std::optional<Error> read_damaged(std::string_view bytes) const {
    store(bytes);
    try {
      const LoadedCheckpoint loaded = read_checkpoint(path_);
      EXPECT_EQ(loaded.weights, state_.weights);
      EXPECT_EQ(loaded.first_moments, state_.first_moments);
      EXPECT_EQ(loaded.second_moments, state_.second_moments);
      EXPECT_EQ(loaded.digests.weights, state_.digests.weights);
      EXPECT_EQ(loaded.info.header.recipe_text, state_.header.recipe_text);
      EXPECT_EQ(loaded.info.root, checkpoint_root(state_.header, state_.layout, state_.digests));
      return std::nullopt;
    } catch (const Error& error) {
      EXPECT_TRUE(error.kind() == ErrorKind::kCorrupt || error.kind() == ErrorKind::kIo) << error.formatted();
      EXPECT_THAT(error.what(), HasSubstr("step-000003.h5"));
      return error;
    }
  }

  std::string flipped(std::size_t offset, int bit) const {
    std::string bytes = good_;
    bytes[offset] = static_cast<char>(bytes[offset] ^ (1 << bit));
    return bytes;
  }

  /// Returns where the values of a tensor begin in the file: values are found by their bytes.
  std::size_t place_of(const std::vector<float>& flat, const std::string& tensor) const {
    const TensorLayout::Entry& entry = *state_.layout.find(tensor);
    const auto count = static_cast<std::size_t>(std::min<std::int64_t>(entry.spec.num_elements(), 64));
    const auto values = std::span(flat).subspan(static_cast<std::size_t>(entry.offset), count);
    const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size_bytes());
    return good_.find(bytes);
  }

  TestFolder folder_;
  SampleState state_{3, TensorLayout({{"model.norm.weight", {7}, false},
                                      {"model.layers.0.mlp.weight", {129, 65}, true},
                                      {"lm_head.weight", {31, 40}, true}})};
  std::filesystem::path path_;
  std::string good_;
};

TEST_F(CorruptionTest, FlippedBitOfAWeightNamesFileTensorAndChunk) {
  const std::size_t place = place_of(state_.weights, "model.layers.0.mlp.weight");
  ASSERT_NE(place, std::string::npos);
  const std::optional<Error> error = read_damaged(flipped(place + 4 * (4096 + 17), 0));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::kCorrupt);
  EXPECT_THAT(error->what(), AllOf(HasSubstr("weight model.layers.0.mlp.weight, chunk 1 (elements 4096 to 8191)"),
                                   HasSubstr("step-000003.h5")));
}

TEST_F(CorruptionTest, FlippedBitOfAMomentNamesThePart) {
  const std::size_t place = place_of(state_.second_moments, "lm_head.weight");
  ASSERT_NE(place, std::string::npos);
  const std::optional<Error> error = read_damaged(flipped(place, 7));
  ASSERT_TRUE(error);
  EXPECT_THAT(error->what(), HasSubstr("second moment lm_head.weight, chunk 0"));
}

TEST_F(CorruptionTest, FlippedBitOfAStoredDigestBreaksTheRoot) {
  const auto& digest = state_.digests.first_moments[3].bytes;
  const std::size_t place = good_.find(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
  ASSERT_NE(place, std::string::npos);
  const std::optional<Error> error = read_damaged(flipped(place, 3));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::kCorrupt);
  EXPECT_THAT(error->what(), HasSubstr("header and digests give root"));
}

TEST_F(CorruptionTest, FlippedBitOfAMomentIsFoundByRanksThatDoNotKeepIt) {
  const std::size_t place = place_of(state_.second_moments, "lm_head.weight");
  ASSERT_NE(place, std::string::npos);
  store(flipped(place, 3));
  for (const ChunkRange& slice : {ChunkRange{}, ChunkRange{0, 2}}) {
    EXPECT_THROW(read_checkpoint(path_, slice), Error);
  }
}

TEST_F(CorruptionTest, MomentsOfEverySliceAreThoseOfTheWhole) {
  const std::int64_t num_chunks = state_.layout.num_chunks();
  for (std::int64_t begin = 0; begin <= num_chunks; ++begin) {
    for (std::int64_t end = begin; end <= num_chunks; ++end) {
      const LoadedCheckpoint loaded = read_checkpoint(path_, {begin, end});
      const auto slice_of = [&](const std::vector<float>& all) {
        return std::vector<float>(all.begin() + begin * kChunkElements, all.begin() + end * kChunkElements);
      };
      EXPECT_EQ(loaded.weights, state_.weights);
      EXPECT_EQ(loaded.first_moments, slice_of(state_.first_moments)) << begin << " to " << end;
      EXPECT_EQ(loaded.second_moments, slice_of(state_.second_moments)) << begin << " to " << end;
    }
  }
}

TEST_F(CorruptionTest, FlippedBitOfTheRecipeTextIsFound) {
  const std::size_t place = good_.find("name: \"sample\"");
  ASSERT_NE(place, std::string::npos);
  const std::optional<Error> error = read_damaged(flipped(place, 1));
  ASSERT_TRUE(error);
  EXPECT_THAT(error->what(), HasSubstr("recipe_text does not match its SHA-256"));
}

TEST_F(CorruptionTest, EveryFlippedBitOfTheFirst100BytesIsFoundOrHarmless) {
  for (std::size_t offset = 0; offset < 100; ++offset) {
    for (int bit = 0; bit < 8; ++bit) read_damaged(flipped(offset, bit));
  }
}

TEST_F(CorruptionTest, FlippedBitsAtRandomPlacesAreFoundOrHarmless) {
  std::mt19937 random(12);
  int found = 0;
  for (int round = 0; round < 300; ++round) {
    if (read_damaged(flipped(random() % good_.size(), static_cast<int>(random() % 8)))) ++found;
  }
  EXPECT_GT(found, 100);
}

TEST_F(CorruptionTest, FlippedBitsInTheMetadataAreFoundOrHarmless) {
  const std::size_t metadata = good_.find("name: \"sample\"");  // the first value: metadata has a block before it
  std::mt19937 random(13);
  int found = 0;
  for (int round = 0; round < 1000; ++round) {
    if (read_damaged(flipped(random() % metadata, static_cast<int>(random() % 8)))) ++found;
  }
  EXPECT_GT(found, 20);
}

TEST_F(CorruptionTest, OverwrittenStretchesOfMetadataAreFoundOrHarmless) {
  const std::size_t metadata = good_.find("name: \"sample\"");
  std::mt19937 random(14);
  for (int round = 0; round < 400; ++round) {
    std::string bytes = good_;
    const std::size_t start = random() % metadata;
    for (std::size_t at = start; at < std::min(metadata, start + random() % 200); ++at) {
      bytes[at] = static_cast<char>(random());
    }
    read_damaged(bytes);
  }
}

TEST_F(CorruptionTest, TruncatedFileIsCorruptAtAnyLength) {
  std::mt19937 random(15);
  for (int round = 0; round < 60; ++round) {
    const std::size_t length = round == 0 ? 0 : round == 1 ? good_.size() - 1 : random() % good_.size();
    const std::optional<Error> error = read_damaged(std::string_view(good_).substr(0, length));
    ASSERT_TRUE(error) << length;
    EXPECT_EQ(error->kind(), ErrorKind::kCorrupt);
  }
}

TEST_F(CorruptionTest, FileOfAnotherFormatIsCorrupt) {
  const std::optional<Error> error = read_damaged("{\"this\": \"is JSON\"}");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::kCorrupt);
  EXPECT_THAT(error->what(), HasSubstr("no HDF5 file, so no checkpoint"));
  EXPECT_THAT(error->hint(), HasSubstr("model.safetensors is not read back"));
}

TEST_F(CorruptionTest, PipeInThePlaceOfAFileIsIoAndNotWaitedFor) {
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  try {
    read_checkpoint(path_);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("step-000003.h5"), HasSubstr("no file")));
  }
}

/// Puts a link in the place of `name`: to the same object of a copy beside the file, or of the file itself.
void replace_by_link(const std::filesystem::path& path, const char* name, bool external) {
  std::filesystem::copy_file(path, path.parent_path() / "other.h5", std::filesystem::copy_options::overwrite_existing);
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  ASSERT_GE(H5Lmove(file, name, file, "elsewhere", H5P_DEFAULT, H5P_DEFAULT), 0);
  const std::string target = std::string("/") + name;
  ASSERT_GE(external ? H5Lcreate_external("other.h5", target.c_str(), file, name, H5P_DEFAULT, H5P_DEFAULT)
                     : H5Lcreate_soft("/elsewhere", file, name, H5P_DEFAULT, H5P_DEFAULT),
            0);
  ASSERT_GE(H5Fclose(file), 0);
}

TEST_F(CorruptionTest, LinkInThePlaceOfAPartIsCorrupt) {
  for (const char* name : {"weights", "weights/lm_head.weight", "optimizer", "recipe_text", "digests"}) {
    for (const bool external : {true, false}) {
      store(good_);
      replace_by_link(path_, name, external);
      const std::optional<Error> error = read_damaged(read_file(path_));
      ASSERT_TRUE(error) << name;
      EXPECT_EQ(error->kind(), ErrorKind::kCorrupt);
      EXPECT_THAT(error->what(), HasSubstr(fmt::format("{} is a link", name)));
    }
  }
}

TEST_F(CorruptionTest, MissingFileIsIoWithTheSystemsReason) {
  try {
    read_checkpoint(folder_.path() / "step-000009.h5");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_THAT(error.what(), HasSubstr("No such file or directory"));
  }
}

}  // namespace
}  // namespace reprise::checkpoints
