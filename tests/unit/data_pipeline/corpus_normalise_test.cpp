#include <gtest/gtest.h>

#include <random>

#include "reprise/data_pipeline/normalise.h"

namespace reprise::data {
namespace {

TEST(NormaliseV1, TurnsEveryLineEndIntoALineFeed) {
  EXPECT_EQ(normalise_v1("a\r\nb\rc\vd\fe\nf"), "a\nb\nc\nd\ne\nf");
  EXPECT_EQ(normalise_v1("a\r\r\nb"), "a\n\nb");
}

TEST(NormaliseV1, RemovesControlCharactersButTabAndLineFeed) {
  EXPECT_EQ(normalise_v1(std::string("a\0b\x01\x1F\x7F"
                                     "c\td",
                                     9)),
            "abc\td");
  EXPECT_EQ(normalise_v1("a\u0085b\u200Bc"), "a\u0085b\u200Bc");
}

TEST(NormaliseV1, RemovesTheByteOrderMarkAtTheStartAlone) {
  EXPECT_EQ(normalise_v1("\uFEFFa\uFEFFb"), "a\uFEFFb");
  EXPECT_EQ(normalise_v1("\n\uFEFF\uFEFF\n\uFEFFa"), "a");
}

TEST(NormaliseV1, RemovesWhiteSpaceAtLineEndsAndKeepsIndentation) {
  EXPECT_EQ(normalise_v1("  a \t\u00A0\u3000\n\tb\u2003"), "  a\n\tb");
}

TEST(NormaliseV1, RemovesBlankLinesAtBothEndsAndKeepsThoseBetween) {
  EXPECT_EQ(normalise_v1(" \n\n  a\n\n\nb\n \n\n"), "  a\n\n\nb");
  EXPECT_EQ(normalise_v1(" \n\t\n"), "");
  EXPECT_EQ(normalise_v1(""), "");
}

TEST(NormaliseV1, LeavesTheUnicodeFormAlone) {
  EXPECT_EQ(normalise_v1("e\u0301 \u00E9 \uFB01"), "e\u0301 \u00E9 \uFB01");
}

TEST(NormaliseV1, ChangesNothingTheSecondTime) {
  const std::vector<std::string> pieces = {"a", " ", "\n", "\r", "\t", "\uFEFF", "\v", "\x01", "\u00A0", "\u3000", "é"};
  std::mt19937 random(20261121);
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (std::size_t i = random() % 12; i-- > 0;) text += pieces[random() % pieces.size()];
    const std::string once = normalise_v1(text);
    EXPECT_EQ(normalise_v1(once), once);
  }
}

}  // namespace
}  // namespace reprise::data
