#include "../../../data_pipeline/src/nfc.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "../../../data_pipeline/src/unicode_classes.h"

namespace reprise::data {
namespace {

std::string form_c(const std::string& text) {
  std::string storage;
  return std::string(nfc(text, storage));
}

// Expected values: Unicode 9.0, UAX #15.
TEST(Nfc, LeavesTextWhereItLiesWhenNoCharacterCouldChange) {
  for (const char* text : {"", "plain text", "na\u00efve caf\u00e9", "\ud55c\uad6d"}) {
    const std::string bytes = text;
    std::string storage;
    EXPECT_EQ(nfc(bytes, storage).data(), bytes.data()) << text;
  }
}

TEST(Nfc, ComposesLettersAndMarks) {
  EXPECT_EQ(form_c("e\u0301"), "\u00e9");
  EXPECT_EQ(form_c("A\u030a"), "\u00c5");
  EXPECT_EQ(form_c("q\u0307\u0323"), "q\u0323\u0307");
  EXPECT_EQ(form_c("s\u0323\u0307"), "\u1e69");
  EXPECT_EQ(form_c("s\u0307\u0323"), "\u1e69");
  EXPECT_EQ(form_c("a\u0301b"), "\u00e1b");
  EXPECT_EQ(form_c("\u0301e"), "\u0301e");
}

TEST(Nfc, ReplacesSingletonsAndExclusions) {
  EXPECT_EQ(form_c("\u212b"), "\u00c5");
  EXPECT_EQ(form_c("\u2126"), "\u03a9");
  EXPECT_EQ(form_c("\u0958"), "\u0915\u093c");
  EXPECT_EQ(form_c("\uf900"), "\u8c48");
}

TEST(Nfc, ComposesHangul) {
  EXPECT_EQ(form_c("\u1112\u1161\u11ab"), "\ud55c");
  EXPECT_EQ(form_c("\uac00\u11a8"), "\uac01");
  EXPECT_EQ(form_c("\uac01\u11a8"), "\uac01\u11a8");
}

TEST(Nfc, TakesYoungerCharactersThanUnicode9AsTheReferenceDoes) {
  EXPECT_EQ(form_c("\U00011935\U00011930"), "\U00011935\U00011930");  // composes since 13.0
  EXPECT_EQ(form_c("x\u08d3\u0334"), "x\u08d3\u0334");                // has class 220 since 11.0
}

/// Age of every code point in DerivedAge.txt, as 100 * major + minor.
std::map<std::uint32_t, int> read_ages(std::istream& file) {
  std::map<std::uint32_t, int> ages;
  for (std::string line; std::getline(file, line);) {
    unsigned first = 0, last = 0, major = 0, minor = 0;
    if (std::sscanf(line.c_str(), "%x..%x ; %u.%u", &first, &last, &major, &minor) != 4) {
      if (std::sscanf(line.c_str(), "%x ; %u.%u", &first, &major, &minor) != 3) continue;
      last = first;
    }
    for (unsigned c = first; c <= last; ++c) ages[c] = static_cast<int>(100 * major + minor);
  }
  return ages;
}

// The rows of NormalizationTest.txt whose characters are all of Unicode 9.0.
TEST(Nfc, AgreesWithTheTestFileOfUnicode) {
  const std::string folder = "/usr/share/unicode/";
  std::ifstream age_file(folder + "DerivedAge.txt");
  FILE* const rows = popen(("bzip2 -dc " + folder + "NormalizationTest.txt.bz2 2>/dev/null").c_str(), "r");
  const std::map<std::uint32_t, int> ages = read_ages(age_file);
  int num_rows = 0;
  for (char line[4096]; std::fgets(line, sizeof line, rows) != nullptr;) {
    if (line[0] == '#' || line[0] == '@') continue;
    std::vector<std::string> columns;
    bool old_enough = true;
    std::istringstream fields(line);
    for (std::string field; columns.size() < 3 && std::getline(fields, field, ';');) {
      std::istringstream numbers(field);
      std::string& text = columns.emplace_back();
      for (std::uint32_t c = 0; numbers >> std::hex >> c;) {
        append_utf8(text, c);
        old_enough = old_enough && ages.contains(c) && ages.at(c) <= 900;
      }
    }
    if (!old_enough) continue;
    ++num_rows;
    for (const std::string& column : columns) ASSERT_EQ(form_c(column), columns[1]) << line;
  }
  pclose(rows);
  if (num_rows == 0) GTEST_SKIP() << "no " << folder << "NormalizationTest.txt.bz2 (Debian: unicode-data)";
  EXPECT_GT(num_rows, 15000);
}

}  // namespace
}  // namespace reprise::data
