// What the filters count, as docs/reference/filters.md defines it.

#include <gmock/gmock.h>

#include "text_units.h"

namespace reprise::data {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Words, AreRunsBetweenUnicodeWhiteSpace) {
  EXPECT_THAT(split_words("  one\ttwo\u00A0three\u3000four\n\nfive "),
              ElementsAre("one", "two", "three", "four", "five"));
  EXPECT_THAT(split_words("don't stop - now."), ElementsAre("don't", "stop", "-", "now."));
  EXPECT_THAT(split_words("\u65E5\u672C\u8A9E\u306E\u6587"), ElementsAre("\u65E5\u672C\u8A9E\u306E\u6587"));
  EXPECT_THAT(split_words("a\u200Bb"), ElementsAre("a\u200Bb"));  // zero width space is not White_Space
  EXPECT_THAT(split_words(" \n\t"), IsEmpty());
}

TEST(Lines, AreNotBlank) { EXPECT_THAT(non_blank_lines("a\n\n \u2003\n  b\n"), ElementsAre("a", "  b")); }

TEST(Paragraphs, AreRunsOfLinesBetweenBlankLines) {
  EXPECT_THAT(split_paragraphs("\n\na\nb\n\n \n  c\n"), ElementsAre("a\nb", "  c"));
  EXPECT_THAT(split_paragraphs("a"), ElementsAre("a"));
  EXPECT_THAT(split_paragraphs("\n\n"), IsEmpty());
}

TEST(Characters, AreCodePoints) {
  EXPECT_EQ(count_characters("a\u00E9\u65E5\U0001F600"), 4u);
  EXPECT_EQ(count_characters(""), 0u);
}

TEST(Sentences, EndWithAMarkBeforeWhiteSpaceOrTheEnd) {
  EXPECT_EQ(count_sentences("One. Two? Three! Four"), 4u);
  EXPECT_EQ(count_sentences("Version 3.14 is out."), 1u);
  EXPECT_EQ(count_sentences("Wait... what?!"), 2u);
  EXPECT_EQ(count_sentences("\u201CYes.\u201D He (really.) said \"No!\""), 3u);
  EXPECT_EQ(count_sentences("He went on\u2026 and on"), 2u);
}

TEST(Sentences, NeedALetterOrANumber) {
  EXPECT_EQ(count_sentences(""), 0u);
  EXPECT_EQ(count_sentences("... ! ?"), 0u);
  EXPECT_EQ(count_sentences("- . 7."), 1u);
}

TEST(Letters, AreOfAnyScript) {
  EXPECT_TRUE(has_letter("12a"));
  EXPECT_TRUE(has_letter("\u05D0"));
  EXPECT_TRUE(has_letter("\u65E5"));
  EXPECT_FALSE(has_letter("12-#\u2026\u0662"));
}

TEST(Trim, TakesUnicodeWhiteSpace) {
  EXPECT_EQ(trim("\u3000 a b\u00A0\n"), "a b");
  EXPECT_EQ(trim(" \u2003"), "");
  EXPECT_EQ(trim_end(" a\u0085"), " a");
}

TEST(Occurrences, DoNotOverlap) {
  EXPECT_EQ(count_occurrences("......", "..."), 2u);
  EXPECT_EQ(count_occurrences(".....", "..."), 1u);
}

}  // namespace
}  // namespace reprise::data
