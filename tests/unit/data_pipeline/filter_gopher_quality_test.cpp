// Conformance vectors of gopher_quality: each rule at, below and above its threshold. The expected values are counted
// by hand from how the texts are built.

#include <gtest/gtest.h>

#include "filter_vectors.h"

namespace reprise::data {
namespace {

TEST(GopherQuality, WantsFiftyToAHundredThousandWords) {
  const auto rule = only("gopher_quality", "gopher_word_count");
  expect_dropped(rule, repeat("word", 49), "gopher_word_count", 49, 50);
  expect_kept(rule, repeat("word", 50));
  expect_kept(rule, repeat("w", 100000));
  expect_dropped(rule, repeat("w", 100001), "gopher_word_count", 100001, 100000);
  expect_dropped(rule, "", "gopher_word_count", 0, 50);
  expect_dropped(rule, std::string(300, ' '), "gopher_word_count", 0, 50);
}

TEST(GopherQuality, WantsAMeanWordLengthOfThreeToTen) {
  const auto rule = only("gopher_quality", "gopher_mean_word_length");
  expect_kept(rule, repeat("abc", 10));
  expect_kept(rule, repeat("ab abcd", 10));
  expect_dropped(rule, repeat("abc", 9) + " ab", "gopher_mean_word_length", 2.9, 3);
  expect_kept(rule, repeat("abcdefghij", 10));
  expect_dropped(rule, repeat("abcdefghij", 9) + " abcdefghijk", "gopher_mean_word_length", 10.1, 10);
  expect_dropped(rule, "", "gopher_mean_word_length", 0, 3);
  // Characters are code points: three of two bytes each are three.
  expect_kept(rule, repeat("\u0436\u0438\u0437", 10));
}

TEST(GopherQuality, CountsHashesAndEllipsesAgainstWordsEach) {
  const auto rule = only("gopher_quality", "gopher_symbol_ratio");
  expect_kept(rule, repeat("word", 9) + " #word");
  expect_dropped(rule, repeat("word", 9) + " ##word", "gopher_symbol_ratio.hash", 0.2, 0.1);
  expect_kept(rule, repeat("word", 9) + " word...");
  expect_dropped(rule, repeat("word", 8) + " word... word\u2026", "gopher_symbol_ratio.ellipsis", 0.2, 0.1);
  // Each is tested on its own: 1 of 10 and 1 of 10 are kept.
  expect_kept(rule, repeat("word", 8) + " #word word...");
  expect_kept(rule, "");
}

TEST(GopherQuality, AllowsNineTenthsOfBulletLines) {
  const auto rule = only("gopher_quality", "gopher_bullet_lines");
  expect_kept(rule, repeat("- item", 9, "\n") + "\nprose");
  expect_dropped(rule, repeat("\u2022 item", 10, "\n"), "gopher_bullet_lines", 1, 0.9);
  expect_dropped(rule, repeat("  - item", 19, "\n") + "\nprose", "gopher_bullet_lines", 0.95, 0.9);
  // Blank lines are not lines: 9 of 10 is at the threshold whatever lies between.
  expect_kept(rule, repeat("- item", 9, "\n\n\n") + "\n\nprose");
  expect_kept(rule, repeat("* item", 10, "\n"));
  expect_kept(rule, "");
}

TEST(GopherQuality, AllowsThreeTenthsOfLinesToEndWithAnEllipsis) {
  const auto rule = only("gopher_quality", "gopher_ellipsis_lines");
  expect_kept(rule, repeat("and so on...", 3, "\n") + "\n" + repeat("prose", 7, "\n"));
  expect_dropped(rule, repeat("and so on\u2026", 4, "\n") + "\n" + repeat("prose", 6, "\n"), "gopher_ellipsis_lines",
                 0.4, 0.3);
  expect_kept(rule, repeat("so... on", 10, "\n"));
}

TEST(GopherQuality, WantsALetterInFourOfFiveWords) {
  const auto rule = only("gopher_quality", "gopher_alphabetic_words");
  expect_kept(rule, repeat("word", 8) + " 12 --");
  expect_dropped(rule, repeat("word", 7) + " 12 -- 3.", "gopher_alphabetic_words", 0.7, 0.8);
  expect_kept(rule, repeat("\u65E5\u672C", 8) + " 12 --");
  expect_dropped(rule, "", "gopher_alphabetic_words", 0, 0.8);
}

TEST(GopherQuality, WantsTwoDistinctRequiredWords) {
  const auto rule = only("gopher_quality", "gopher_stop_words");
  expect_kept(rule, "the cat and dog");
  expect_dropped(rule, "the cat the dog the", "gopher_stop_words", 1, 2);
  expect_dropped(rule, "cat dog", "gopher_stop_words", 0, 2);
  // Words are compared as they stand.
  expect_dropped(rule, "The cat and, dog", "gopher_stop_words", 0, 2);
  expect_kept(rule, "be to of that have with");
}

TEST(GopherQuality, RecordsTheFirstRuleInTheOrderOfThePaper) {
  expect_dropped(rule_of("gopher_quality"), "# # #", "gopher_word_count", 3, 50);
  expect_dropped(rule_of("gopher_quality", "", {"gopher_word_count"}), "# # #", "gopher_mean_word_length", 1, 3);
}

TEST(GopherQuality, KeepsOrdinaryProse) {
  expect_kept(rule_of("gopher_quality", "gopher-paper"),
              repeat("It was the best of times, and it was the worst of times, to be sure.", 5));
}

}  // namespace
}  // namespace reprise::data
