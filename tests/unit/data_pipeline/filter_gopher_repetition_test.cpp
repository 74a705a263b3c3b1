// Conformance vectors of gopher_repetition: each rule at, below and above its threshold. The expected values are
// counted by hand from how the texts are built.

#include <gtest/gtest.h>

#include "filter_vectors.h"

namespace reprise::data {
namespace {

/// `distinct` different lines and `copies` more of the first, ten characters each.
std::string lines_with_copies(int distinct, int copies, const std::string& separator) {
  std::string text;
  for (int i = 0; i < distinct; ++i) text += (i == 0 ? "" : separator) + "line " + std::to_string(10000 + i);
  for (int i = 0; i < copies; ++i) text += separator + "line 10000";
  return text;
}

TEST(GopherRepetition, AllowsThreeTenthsOfDuplicateLines) {
  const auto rule = only("gopher_repetition", "gopher_duplicate_lines");
  expect_kept(rule, lines_with_copies(7, 3, "\n"));
  expect_dropped(rule, lines_with_copies(6, 4, "\n"), "gopher_duplicate_lines", 0.4, 0.3);
}

TEST(GopherRepetition, DoesNotCountBlankLinesAsDuplicates) {
  const auto rule = only("gopher_repetition", "gopher_duplicate_lines");
  expect_kept(rule, lines_with_copies(7, 3, "\n\n\n\n"));
  expect_kept(rule, std::string(100, '\n'));
}

TEST(GopherRepetition, AllowsThreeTenthsOfDuplicateParagraphs) {
  const auto rule = only("gopher_repetition", "gopher_duplicate_paragraphs");
  expect_kept(rule, lines_with_copies(7, 3, "\n\n"));
  expect_dropped(rule, lines_with_copies(6, 4, "\n \n\n"), "gopher_duplicate_paragraphs", 0.4, 0.3);
  expect_kept(rule, lines_with_copies(1, 9, "\n"));  // one paragraph of ten lines
}

TEST(GopherRepetition, AllowsAFifthOfCharactersInDuplicateLines) {
  const auto rule = only("gopher_repetition", "gopher_duplicate_line_characters");
  // "x" five times is 4 duplicate characters; 9 characters with the line feeds, and a line feed and 10 more: 4 of 20.
  expect_kept(rule, repeat("x", 5, "\n") + "\n" + std::string(10, 'y'));
  expect_dropped(rule, repeat("x", 5, "\n") + "\n" + std::string(6, 'y'), "gopher_duplicate_line_characters", 0.25,
                 0.2);
  expect_kept(rule, repeat("\u0436", 5, "\n") + "\n" + std::string(10, 'y'));  // code points, not bytes
}

TEST(GopherRepetition, AllowsAFifthOfCharactersInDuplicateParagraphs) {
  const auto rule = only("gopher_repetition", "gopher_duplicate_paragraph_characters");
  // Two copies of 4 characters, a separator of 2 twice, and a tail of 8: 4 of 20.
  expect_kept(rule, "a\nbb\n\na\nbb\n\n" + std::string(8, 'y'));
  expect_dropped(rule, "a\nbb\n\na\nbb\n\n" + std::string(4, 'y'), "gopher_duplicate_paragraph_characters", 0.25, 0.2);
}

TEST(GopherRepetition, MeasuresTheMostFrequentTwoThreeAndFourGram) {
  const auto rule = only("gopher_repetition", "gopher_top_ngrams");
  // "ab cd" twice, each 5 characters, in a text of 50: 10 / 50 is at the threshold of 0.20.
  const std::string twice = "ab cd 1 ab cd";  // 13 characters
  expect_kept(rule, twice + " " + std::string(36, 'x'));
  expect_dropped(rule, twice + " " + std::string(26, 'x'), "gopher_top_ngrams.2", 0.25, 0.20);
  // "a b cc" twice is 12 of 60 characters: above 0.18; its 2-grams stay below 0.20.
  expect_dropped(rule, "a b cc 1 a b cc " + std::string(44, 'x'), "gopher_top_ngrams.3", 0.2, 0.18);
  // "a b c d" twice is 14 of 80: above 0.16; its 3-gram, 10 of 80, is below 0.18.
  expect_dropped(rule, "a b c d 1 a b c d " + std::string(62, 'x'), "gopher_top_ngrams.4", 0.175, 0.16);
}

TEST(GopherRepetition, CountsAnNgramOnlyWhenItOccursTwice) {
  const auto rule = only("gopher_repetition", "gopher_top_ngrams");
  expect_kept(rule, "only four short words");
  expect_kept(rule, "");
  expect_kept(rule, "word");
}

TEST(GopherRepetition, TakesTheEarliestOfEquallyFrequentNgrams) {
  // "a b" and "cccc dddd" occur twice each; the first counts: 6 of 39 characters, not 18.
  expect_kept(only("gopher_repetition", "gopher_top_ngrams"), "a b 1 a b 2 cccc dddd 3 cccc dddd 44444");
}

/// `count` words of `length` characters, twice, with an "x" between them and a filler up to `total` characters. The
/// second copy is a duplicate of count * length characters; the shorter n-grams in it stay below their higher
/// thresholds.
std::string copied_passage(int count, int length, std::size_t total) {
  std::string passage;
  for (int i = 0; i < count; ++i) {
    if (i > 0) passage.push_back(' ');
    passage.append(static_cast<std::size_t>(length), static_cast<char>('a' + i));
  }
  const std::string text = passage + " x " + passage + " ";
  return text + std::string(total - text.size(), 'y');
}

TEST(GopherRepetition, MeasuresCharactersInDuplicateFiveToTenGrams) {
  struct Case {
    int gram;
    int word_length;
    std::size_t total;  // characters of a text at the threshold
    double threshold;
  };
  const auto rule = only("gopher_repetition", "gopher_duplicate_ngrams");
  for (const Case& c : {Case{5, 3, 100, 0.15}, Case{6, 7, 300, 0.14}, Case{7, 13, 700, 0.13}, Case{8, 3, 200, 0.12},
                        Case{9, 11, 900, 0.11}, Case{10, 3, 300, 0.10}}) {
    expect_kept(rule, copied_passage(c.gram, c.word_length, c.total + 1));
    expect_kept(rule, copied_passage(c.gram, c.word_length, c.total));
    expect_dropped(rule, copied_passage(c.gram, c.word_length, c.total - 1),
                   "gopher_duplicate_ngrams." + std::to_string(c.gram),
                   c.gram * c.word_length / static_cast<double>(c.total - 1), c.threshold);
  }
}

TEST(GopherRepetition, CountsNoCharacterOfADuplicateTwice) {
  // "a" 100 times: after the first 5-gram every step of five words is a duplicate: 95 of 199 characters.
  expect_dropped(only("gopher_repetition", "gopher_duplicate_ngrams"), repeat("a", 100), "gopher_duplicate_ngrams.5",
                 95.0 / 199.0, 0.15);
}

TEST(GopherRepetition, SeesNgramsThatEndElsewhereAsDifferent) {
  expect_kept(only("gopher_repetition", "gopher_duplicate_ngrams"),
              "ab c d e f g " + std::string(9, 'x') + " a bc d e f g");
}

TEST(GopherRepetition, KeepsTextWithoutRepetition) {
  expect_kept(rule_of("gopher_repetition", "gopher-paper"), distinct_words(200));
  expect_kept(rule_of("gopher_repetition"), "");
}

}  // namespace
}  // namespace reprise::data
