#include "reprise/data_pipeline/token_file.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "tokenizer_fixture.h"

namespace reprise::data {
namespace {

using ::testing::HasSubstr;
using Ids = std::vector<TokenId>;

class TokenFile : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return folder_.path() / "ids.npy"; }

  /// A version 1 file with this header and data.
  void write(const std::string& header, const std::string& data) const {
    std::string file = "\x93NUMPY";
    file += {'\x01', '\x00', static_cast<char>(header.size()), '\x00'};
    write_file_atomically(path(), file + header + data);
  }

  std::string complaint() const {
    try {
      read_token_file(path());
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      EXPECT_THAT(error.what(), HasSubstr(path().string()));
      return error.what();
    }
    return "accepted";
  }

 private:
  TemporaryFolder folder_;
};

// The header: what numpy 2.4.6 writes for np.array([1, 256, 70000], dtype=np.uint32).
TEST_F(TokenFile, HasTheBytesThatNumPyWrites) {
  write_token_file(path(), Ids{1, 256, 70000});
  std::string expected("\x93NUMPY\x01\x00\x76\x00", 10);
  expected += "{'descr': '<u4', 'fortran_order': False, 'shape': (3,), }";
  expected.append(128 - 1 - expected.size(), ' ');
  expected += '\n';
  expected += std::string("\x01\0\0\0\0\x01\0\0\x70\x11\x01\0", 12);
  EXPECT_EQ(read_file(path()), expected);
}

TEST_F(TokenFile, IsReadBack) {
  for (const Ids& ids : {Ids{}, Ids{0}, Ids{5, 2147483647, 0, 3}}) {
    write_token_file(path(), ids);
    EXPECT_EQ(read_token_file(path()), ids);
  }
}

TEST_F(TokenFile, WrittenInPartsIsTheSameFile) {
  write_token_file(path(), Ids{5, 2147483647, 0, 3});
  const std::string whole = read_file(path());
  TokenFileWriter writer(path());
  writer.append(Ids{5});
  writer.append(Ids{});
  writer.append(Ids{2147483647, 0, 3});
  EXPECT_EQ(read_file(path()), whole) << "the old file stays until the new one is complete";
  EXPECT_EQ(writer.finish(), 4u);
  EXPECT_EQ(read_file(path()), whole);
}

TEST_F(TokenFile, OfATextHoldsItsIdsForAnyNumberOfThreads) {
  std::string text;
  while (text.size() < (std::size_t{1} << 20)) text += "the cat sat on the mat, " + std::to_string(text.size()) + "\n";
  const std::filesystem::path text_path = path().parent_path() / "text.txt";
  write_file_atomically(text_path, text);
  const Ids expected = small_tokenizer().encode(text);
  for (const int num_threads : {1, 3}) {
    EXPECT_EQ(encode_text_file(small_tokenizer(), text_path, {.num_threads = num_threads}, path()), expected.size());
    EXPECT_EQ(read_token_file(path()), expected);
  }
}

TEST_F(TokenFile, OfATextIsNotThereWhenWritingFails) {
  const std::filesystem::path text_path = path().parent_path() / "text.txt";
  write_file_atomically(text_path, std::string(1 << 20, 'x'));
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1 << 12, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(encode_text_file(small_tokenizer(), text_path, {.num_threads = 2}, path()), Error);
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_FALSE(std::filesystem::exists(path()));
  EXPECT_FALSE(std::filesystem::exists(partial_path(path())));
}

TEST_F(TokenFile, MayHoldOtherIntegers) {
  write("{'descr': '<u2', 'fortran_order': False, 'shape': (2,), }\n", std::string("\x01\x02\xFF\xFF", 4));
  EXPECT_EQ(read_token_file(path()), (Ids{0x201, 0xFFFF}));
  write("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }\n", std::string("\x07\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(read_token_file(path()), Ids{7});
}

TEST_F(TokenFile, ThatIsSomethingElseIsRefusedWithWhatItIs) {
  write_file_atomically(path(), "text");
  EXPECT_THAT(complaint(), HasSubstr("does not begin as a .npy file"));
  write("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n", std::string(4, '\0'));
  EXPECT_THAT(complaint(), HasSubstr("<f4"));
  write("{'descr': '>u4', 'fortran_order': False, 'shape': (1,), }\n", std::string(4, '\0'));
  EXPECT_THAT(complaint(), HasSubstr(">u4"));
  write("{'descr': '<u4', 'fortran_order': False, 'shape': (1, 1), }\n", std::string(4, '\0'));
  EXPECT_THAT(complaint(), HasSubstr("(1, 1)"));
  write("{'descr': '<u4', 'fortran_order': False, 'shape': (3,), }\n", std::string(11, '\0'));
  EXPECT_THAT(complaint(), HasSubstr("3 numbers of 4 bytes were promised, 11 bytes are there"));
  write("{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }\n", std::string("\0\0\0\0\xFF\xFF\xFF\xFF", 8));
  EXPECT_THAT(complaint(), HasSubstr("number 1 is no token id: 0xffffffff"));
}

}  // namespace
}  // namespace reprise::data
