// Damage to the files of a set, and what open says about it.
#include <gmock/gmock.h>
#include <hdf5.h>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/document_file.h"
#include "reprise/data_pipeline/shards.h"
#include "tokenizer_fixture.h"

namespace reprise::data {
namespace {

using ::testing::HasSubstr;

class DamagedShards : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int k = 0; k < 30; ++k) {
      Document document;
      document.id = "id-" + std::to_string(k);
      document.text = "the cat sat on the mat " + std::to_string(k * k);
      document.language = "en";
      document.source_file = "f";
      document.source_line = 1;
      documents_.push_back(document);
    }
    root_ = write("train", 100).root;
    ASSERT_TRUE(std::filesystem::exists(shard(2)));
  }

  ShardResult write(const std::string& stem, std::uint64_t max_tokens) const {
    std::vector<const Document*> pointers;
    for (const Document& each : documents_) pointers.push_back(&each);
    write_documents(folder_.path() / "documents.jsonl.zst", pointers);
    return write_shards(folder_.path() / "documents.jsonl.zst", small_tokenizer(), folder_.path(), stem, 1,
                        no_progress(), max_tokens);
  }

  std::filesystem::path shard(int index, const std::string& stem = "train") const {
    return folder_.path() / (stem + "-0000" + std::to_string(index) + ".h5");
  }

  std::string complaint(ErrorKind expected = ErrorKind::kCorrupt) const {
    try {
      TokenSet::open(folder_.path(), "train");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), expected) << error.what();
      return error.what();
    }
    return "accepted";
  }

  /// Writes one element of a dataset of shard 1 behind its hash.
  template <typename T>
  void overwrite(const char* dataset_name, hid_t type, std::size_t index, T value) const {
    const hid_t file = H5Fopen(shard(1).c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t dataset = H5Dopen2(file, dataset_name, H5P_DEFAULT);
    const hid_t space = H5Dget_space(dataset);
    const hsize_t point = index;
    H5Sselect_elements(space, H5S_SELECT_SET, 1, &point);
    const hid_t one = H5Screate(H5S_SCALAR);
    EXPECT_GE(H5Dwrite(dataset, type, one, space, H5P_DEFAULT, &value), 0);
    H5Sclose(one);
    H5Sclose(space);
    H5Dclose(dataset);
    H5Fclose(file);
  }

  void overwrite_attribute(const char* name, std::uint64_t value) const {
    const hid_t file = H5Fopen(shard(1).c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
    EXPECT_GE(H5Awrite(attribute, H5T_NATIVE_UINT64, &value), 0);
    H5Aclose(attribute);
    H5Fclose(file);
  }

  TemporaryFolder folder_;
  std::vector<Document> documents_;
  Digest root_;
};

TEST_F(DamagedShards, AreFoundByTheHashOfTheDataset) {
  overwrite("tokens", H5T_NATIVE_UINT16, 5, std::uint16_t{9});
  EXPECT_THAT(complaint(), HasSubstr("train-00001.h5: tokens has another SHA-256"));
}

TEST_F(DamagedShards, AreFoundInEveryColumn) {
  overwrite("source_line", H5T_NATIVE_UINT64, 0, std::uint64_t{99});
  EXPECT_THAT(complaint(), HasSubstr("source_line has another SHA-256"));
  write("train", 100);
  overwrite("id_bytes", H5T_NATIVE_UINT8, 3, std::uint8_t{'x'});
  EXPECT_THAT(complaint(), HasSubstr("id_bytes has another SHA-256"));
  write("train", 100);
  overwrite("document_offsets", H5T_NATIVE_UINT64, 1, std::uint64_t{1});
  EXPECT_THAT(complaint(), HasSubstr("document_offsets has another SHA-256"));
}

TEST_F(DamagedShards, AreFoundWhereADatasetIsALinkToAnotherFile) {
  std::filesystem::copy_file(shard(1), folder_.path() / "other.h5");
  for (const bool external : {true, false}) {
    write("train", 100);
    const hid_t file = H5Fopen(shard(1).c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    EXPECT_GE(H5Lmove(file, "tokens", file, "elsewhere", H5P_DEFAULT, H5P_DEFAULT), 0);
    const std::string other = folder_.path() / "other.h5";
    EXPECT_GE(external ? H5Lcreate_external(other.c_str(), "/tokens", file, "tokens", H5P_DEFAULT, H5P_DEFAULT)
                       : H5Lcreate_soft("/elsewhere", file, "tokens", H5P_DEFAULT, H5P_DEFAULT),
              0);
    H5Fclose(file);
    EXPECT_THAT(complaint(), HasSubstr("train-00001.h5: tokens is a link")) << external;
  }
}

TEST_F(DamagedShards, AreFoundWhereValuesLieInAnotherFile) {
  const hid_t file = H5Fopen(shard(1).c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  H5Ldelete(file, "tokens", H5P_DEFAULT);
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_external(creation, "/dev/zero", 0, H5F_UNLIMITED);
  const hsize_t size = 1000;
  const hid_t space = H5Screate_simple(1, &size, nullptr);
  const hid_t dataset = H5Dcreate2(file, "tokens", H5T_STD_U16LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  EXPECT_GE(dataset, 0);
  H5Dclose(dataset);
  H5Sclose(space);
  H5Pclose(creation);
  H5Fclose(file);
  EXPECT_THAT(complaint(), HasSubstr("train-00001.h5: tokens is not stored contiguously in the file"));
}

TEST_F(DamagedShards, AreFoundByTheRootWhenAnAttributeChanges) {
  overwrite_attribute("vocab_size", 401);
  EXPECT_THAT(complaint(), HasSubstr("root is"));
  write("train", 100);
  overwrite_attribute("first_token", 1);
  EXPECT_THAT(complaint(), HasSubstr("first_token is 1 instead of"));
  write("train", 100);
  overwrite_attribute("format_version", 2);
  EXPECT_THAT(complaint(), HasSubstr("format_version is not supported"));
}

TEST_F(DamagedShards, MissAFileInTheMiddleOrAtTheEnd) {
  std::filesystem::remove(shard(1));
  EXPECT_THAT(complaint(), HasSubstr("train-00001.h5: is missing"));
}

TEST_F(DamagedShards, MissTheFirstFile) {
  std::filesystem::remove(shard(0));
  EXPECT_THAT(complaint(ErrorKind::kIo), HasSubstr("train-00000.h5"));
}

TEST_F(DamagedShards, HaveAFileTooMany) {
  overwrite_attribute("is_last", 1);
  EXPECT_THAT(complaint(), HasSubstr("train-00002.h5: stands after the last shard"));
}

TEST_F(DamagedShards, HaveTheFilesInAnotherOrder) {
  std::filesystem::rename(shard(1), folder_.path() / "aside");
  std::filesystem::rename(shard(2), shard(1));
  std::filesystem::rename(folder_.path() / "aside", shard(2));
  EXPECT_THAT(complaint(), HasSubstr("shard_index is 2 instead of 1"));
}

TEST_F(DamagedShards, HaveAFileOfAnotherSet) {
  documents_[0].text += "!";
  documents_[1].text = documents_[1].text.substr(0, 22);
  write("other", 100);
  std::filesystem::copy_file(shard(1, "other"), shard(1), std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(complaint(), HasSubstr("train-00001.h5"));
}

TEST_F(DamagedShards, AreCutShortAnywhere) {
  const std::string whole = read_file(shard(1));
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{7}, std::size_t{100}, whole.size() / 2, whole.size() - 1}) {
    write_file_atomically(shard(1), whole.substr(0, size));
    EXPECT_THAT(complaint(), HasSubstr("train-00001.h5")) << size;
  }
}

// A flipped bit is found, or it lies in bytes that mean nothing, and then everything read is as it was.
TEST_F(DamagedShards, NeverReadOtherContentAfterAFlippedBit) {
  const std::string whole = read_file(shard(1));
  std::mt19937_64 random(8);
  int found = 0;
  constexpr int kFlips = 150;
  for (int k = 0; k < kFlips; ++k) {
    std::string damaged = whole;
    damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
    write_file_atomically(shard(1), damaged);
    try {
      EXPECT_EQ(TokenSet::open(folder_.path(), "train").root(), root_);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kCorrupt) << error.what();
      ++found;
    }
  }
  EXPECT_GT(found, kFlips / 2);
}

}  // namespace
}  // namespace reprise::data
