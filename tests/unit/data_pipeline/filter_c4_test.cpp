// Conformance vectors of c4: each rule at, below and above its threshold, in both presets, and what it edits.

#include <gmock/gmock.h>

#include "filter_vectors.h"

namespace reprise::data {
namespace {

using testing::ElementsAre;
using testing::Pair;

struct Judged {
  std::optional<Drop> drop;
  std::string text;
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> edits;  // lines, bytes
};

Judged judge_page(const configs::FilterRule& rule, const std::string& text) {
  Judged judged{{}, text, {}};
  Edits edits;
  judged.drop = make_filter(rule)->apply(judged.text, edits);
  for (const auto& [name, edit] : edits) judged.edits[name] = {edit.num_lines, edit.num_bytes};
  return judged;
}

void expect_page_dropped(const Judged& judged, const std::string& name, double value, double threshold) {
  ASSERT_TRUE(judged.drop.has_value());
  EXPECT_EQ(judged.drop->rule, name);
  EXPECT_DOUBLE_EQ(judged.drop->value, value);
  EXPECT_DOUBLE_EQ(judged.drop->threshold, threshold);
  EXPECT_TRUE(judged.edits.empty());
}

TEST(C4, KeepsLinesThatEndWithATerminalMark) {
  const auto rule = only("c4", "c4_terminal_punctuation");
  EXPECT_EQ(judge_page(rule, "A.\nB?\nC!\nD\"\nE\nF:\nG'\nH...\nI\u2026\nJ\u201D").text, "A.\nB?\nC!\nD\"\nJ\u201D");
  EXPECT_EQ(judge_page(only("c4", "c4_terminal_punctuation", "c4-tfds"), "A.\nJ\u201D").text, "A.");
}

TEST(C4, RemovesLinesOfTooFewWords) {
  EXPECT_EQ(judge_page(only("c4", "c4_min_words_per_line"), "one two\none two three").text, "one two three");
  EXPECT_EQ(judge_page(only("c4", "c4_min_words_per_line", "c4-tfds"), "a b c d\na b c d e").text, "a b c d e");
}

TEST(C4, RemovesLinesWithAWordOfMoreThanAThousandCharacters) {
  const auto rule = only("c4", "c4_max_word_length");
  const std::string longest(1000, 'x');
  EXPECT_EQ(judge_page(rule, "a " + longest + "\nb").text, "a " + longest + "\nb");
  EXPECT_EQ(judge_page(rule, "a " + longest + "x\nb").text, "b");
  EXPECT_EQ(judge_page(rule, repeat("\u65E5", 1000, "")).text.size(), 3000u);
}

TEST(C4, RemovesLinesThatMentionJavascript) {
  EXPECT_EQ(judge_page(only("c4", "c4_javascript"), "Please enable JavaScript now.\nJava script stays.").text,
            "Java script stays.");
}

TEST(C4, RemovesPolicyLines) {
  const auto rule = only("c4", "c4_policy");
  for (const std::string phrase :
       {"Terms of Use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"}) {
    EXPECT_EQ(judge_page(rule, "Read our " + phrase + " here.\nkept").text, "kept") << phrase;
  }
  EXPECT_EQ(judge_page(rule, "We like cookies.").text, "We like cookies.");
}

TEST(C4, DropsPagesWithLoremIpsum) {
  const auto rule = only("c4", "c4_lorem_ipsum");
  expect_page_dropped(judge_page(rule, "fine\nLorem Ipsum dolor"), "c4_lorem_ipsum", 1, 0);
  EXPECT_FALSE(judge_page(rule, "lorem\nipsum").drop.has_value());
}

TEST(C4, DropsPagesWithACurlyBracket) {
  const auto rule = only("c4", "c4_curly_bracket");
  expect_page_dropped(judge_page(rule, "fine\nif (x) { y{0} }"), "c4_curly_bracket", 2, 0);
  EXPECT_FALSE(judge_page(rule, "fine }").drop.has_value());
}

TEST(C4, LooksForCurlyBracketsInLinesThatStay) {
  // As in the reference code, a line that an earlier rule removed is not looked at.
  const auto rule = rule_of("c4", "c4-paper", {"c4_min_sentences"});
  EXPECT_EQ(judge_page(rule, "no mark { here\nThis line is fine.").text, "This line is fine.");
}

TEST(C4, WantsFiveSentencesOrThree) {
  const auto paper = only("c4", "c4_min_sentences", "c4-paper");
  EXPECT_FALSE(judge_page(paper, "One. Two. Three.\nFour. Five.").drop.has_value());
  expect_page_dropped(judge_page(paper, "One. Two. Three.\nFour."), "c4_min_sentences", 4, 5);
  expect_page_dropped(judge_page(paper, ""), "c4_min_sentences", 0, 5);
  const auto tfds = only("c4", "c4_min_sentences", "c4-tfds");
  EXPECT_FALSE(judge_page(tfds, "One. Two. Three.").drop.has_value());
  expect_page_dropped(judge_page(tfds, "One. Two."), "c4_min_sentences", 2, 3);
}

TEST(C4, CountsSentencesOfTheLinesThatStay) {
  const auto rule = rule_of("c4", "c4-paper");
  expect_page_dropped(
      judge_page(rule, "One is here. Two is here. Three is here. Four is here.\nFive. Six. Seven and no mark"),
      "c4_min_sentences", 4, 5);
}

TEST(C4, DropsPagesThatAreTooLongForTfds) {
  const auto rule = only("c4", "c4_page_length", "c4-tfds");
  EXPECT_FALSE(judge_page(rule, repeat("\u0436", 190000, "")).drop.has_value());
  expect_page_dropped(judge_page(rule, std::string(190001, 'x')), "c4_page_length", 190001, 190000);
  EXPECT_FALSE(judge_page(only("c4", "c4_page_length", "c4-paper"), std::string(190001, 'x')).drop.has_value());
}

TEST(C4, RemovesCitationMarkers) {
  const Judged judged = judge_page(only("c4", "c4_citations"), "A[1] b[23][] c.[citation needed]\nd [edit] [x] [1");
  EXPECT_EQ(judged.text, "A b c.\nd  [x] [1");
  EXPECT_THAT(judged.edits, ElementsAre(Pair("c4_citations", std::pair<std::uint64_t, std::uint64_t>(2, 32))));
}

TEST(C4, JudgesTheLineWithoutItsCitations) {
  EXPECT_EQ(judge_page(rule_of("c4", "", {"c4_min_sentences"}), "So it is said.[1]\nSo it is said").text,
            "So it is said.");
}

TEST(C4, CountsWhatItEditsOut) {
  const std::string text =
      "  This line has enough words.  \n\nno mark\nIt needs javascript to run.\nshort.\nHere we end it.";
  const Judged judged = judge_page(rule_of("c4", "c4-paper", {"c4_min_sentences"}), text);
  ASSERT_FALSE(judged.drop.has_value());
  EXPECT_EQ(judged.text, "This line has enough words.\nHere we end it.");
  using Count = std::pair<std::uint64_t, std::uint64_t>;
  EXPECT_THAT(judged.edits,
              ElementsAre(Pair("c4_javascript", Count(1, 28)), Pair("c4_min_words_per_line", Count(1, 7)),
                          Pair("c4_terminal_punctuation", Count(1, 8)), Pair("c4_white_space", Count(1, 5))));
  std::uint64_t bytes = judged.text.size();
  for (const auto& [rule, count] : judged.edits) bytes += count.second;
  EXPECT_EQ(bytes, text.size());
}

TEST(C4, LeavesTheTextOfADroppedPageAlone) {
  const std::string text = "no mark here\nOne. Two.";
  const Judged judged = judge_page(rule_of("c4"), text);
  EXPECT_TRUE(judged.drop.has_value());
  EXPECT_EQ(judged.text, text);
}

}  // namespace
}  // namespace reprise::data
