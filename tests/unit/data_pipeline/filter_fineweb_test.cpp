// Conformance vectors of fineweb_quality and of the word splitting of the preset "fineweb": each rule at, below and
// above its threshold. The expected values are counted by hand from how the texts are built.

#include <gtest/gtest.h>

#include "filter_vectors.h"

namespace reprise::data {
namespace {

TEST(FineWebQuality, WantsATerminalMarkAtTwelveOfAHundredLines) {
  const auto rule = only("fineweb_quality", "fineweb_terminal_lines");
  const std::string plain = repeat("no mark", 88, "\n") + "\n";
  expect_kept(rule, plain + repeat("A sentence.", 12, "\n"));
  expect_dropped(rule, plain + "no mark\n" + repeat("A sentence.", 11, "\n"), "fineweb_terminal_lines", 0.11, 0.12);
  expect_kept(rule, "no mark\n\n\nIs this one?");
  // Marks of other scripts end a sentence; quotation marks and brackets do not.
  expect_kept(rule, "\u6587\u3002");
  expect_dropped(rule, "She said \"yes\"\n(yes.)", "fineweb_terminal_lines", 0, 0.12);
  expect_dropped(rule, "", "fineweb_terminal_lines", 0, 0.12);
  expect_dropped(rule, "\n \n", "fineweb_terminal_lines", 0, 0.12);
}

TEST(FineWebQuality, AllowsTwoThirdsOfShortLines) {
  const auto rule = only("fineweb_quality", "fineweb_short_lines");
  const std::string long_line = std::string(31, 'x');
  const std::string short_line = std::string(30, 'x');
  expect_kept(rule, repeat(short_line, 67, "\n") + "\n" + repeat(long_line, 33, "\n"));
  expect_dropped(rule, repeat(short_line, 68, "\n") + "\n" + repeat(long_line, 32, "\n"), "fineweb_short_lines", 0.68,
                 0.67);
  // Characters are code points: 31 of three bytes each are not short.
  expect_kept(rule, repeat("\u65E5", 31, ""));
  expect_dropped(rule, repeat("\u65E5", 30, ""), "fineweb_short_lines", 1, 0.67);
  expect_kept(rule, repeat(long_line, 2, "\n\n\n\n"));
}

TEST(FineWebQuality, AllowsAHundredthOfCharactersInDuplicateLines) {
  const auto rule = only("fineweb_quality", "fineweb_duplicate_line_characters");
  // "ab" occurs again: 2 of 200 characters, line feeds left out.
  expect_kept(rule, "ab\nab\n" + std::string(196, 'x'));
  expect_dropped(rule, "ab\n\n\nab\n" + std::string(96, 'x'), "fineweb_duplicate_line_characters", 0.02, 0.01);
  expect_kept(rule, "\n\n\n" + std::string(10, 'x') + "\n\n\n");
}

TEST(FineWebQuality, AllowsThreeLineFeedsToTenWords) {
  const auto rule = only("fineweb_quality", "fineweb_newlines_per_word");
  expect_kept(rule, "a\nb\nc\nd e f g h i j");
  expect_dropped(rule, "a\nb\nc\nd\ne f g h i j", "fineweb_newlines_per_word", 0.4, 0.3);
  // Punctuation marks are words.
  expect_kept(rule, "a,\nb,\nc,\nd e f g");
  expect_kept(rule, "");
}

TEST(FineWebQuality, RecordsTheFirstRule) {
  expect_dropped(rule_of("fineweb_quality"), "a\na\na", "fineweb_terminal_lines", 0, 0.12);
  expect_dropped(rule_of("fineweb_quality", "", {"fineweb_terminal_lines"}), "a\na\na", "fineweb_short_lines", 1, 0.67);
}

TEST(FineWebPreset, CountsWordsWithALetterOrNumberBetweenUnicodeBoundaries) {
  const auto rule = only("gopher_quality", "gopher_word_count", "fineweb");
  expect_kept(rule, repeat("well-known!", 25));
  expect_dropped(rule, repeat("word!", 49), "gopher_word_count", 49, 50);
  expect_dropped(rule, repeat("!", 100), "gopher_word_count", 0, 50);
}

TEST(FineWebPreset, TakesTheMeanLengthOfTheSameWords) {
  const auto rule = only("gopher_quality", "gopher_mean_word_length", "fineweb");
  expect_kept(rule, repeat("abc!!!", 10));
  expect_dropped(rule, repeat("ab!!!!!!", 10), "gopher_mean_word_length", 2, 3);
}

TEST(FineWebPreset, CountsPunctuationAgainstWordsWithLetters) {
  const auto rule = only("gopher_quality", "gopher_alphabetic_words", "fineweb");
  expect_kept(rule, "one two, three four");
  expect_dropped(rule, "one, two, three", "gopher_alphabetic_words", 0.6, 0.8);
}

TEST(FineWebPreset, FindsStopWordsBesidePunctuation) {
  const auto rule = only("gopher_quality", "gopher_stop_words", "fineweb");
  expect_kept(rule, "\"the\" cat, and,");
  expect_dropped(rule, "The cat and dog", "gopher_stop_words", 1, 2);
}

TEST(FineWebPreset, EndsLinesOfC4WithAnApostropheAndCountsWordsWithCitations) {
  EXPECT_FALSE(judge(only("c4", "c4_terminal_punctuation", "fineweb"), "he said 'so'").has_value());
  std::string text = "Two words [1].";
  Edits edits;
  configs::FilterRule rule = rule_of("c4", "fineweb", {"c4_min_sentences"});
  EXPECT_FALSE(make_filter(rule)->apply(text, edits).has_value());
  EXPECT_EQ(text, "Two words .");
}

}  // namespace
}  // namespace reprise::data
