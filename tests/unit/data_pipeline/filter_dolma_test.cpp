// Conformance vectors of the presets dolma-v1.5-as-written and -intended, where they differ from gopher-paper. The
// expected values are counted by hand from how the texts are built.

#include <gtest/gtest.h>

#include "filter_vectors.h"

namespace reprise::data {
namespace {

configs::FilterRule dolma_quality(const std::string& part) { return only("gopher_quality", part, "dolma-v1.5"); }
configs::FilterRule dolma_repetition(const std::string& part) {
  return only("gopher_repetition", part, "dolma-v1.5-as-written");
}

TEST(DolmaQuality, TakesTheMedianLength) {
  const auto rule = dolma_quality("gopher_mean_word_length");
  expect_kept(rule, "a abc abcdefghijklmnopqrst");
  expect_dropped(rule, "ab ab abcdefghijklmnopqrst", "gopher_mean_word_length", 2, 3);
  expect_dropped(rule, "ab ab abc abc", "gopher_mean_word_length", 2.5, 3);
  expect_kept(rule, "abcdefghi abcdefghijk");
  expect_dropped(rule, "abcdefghij abcdefghijk", "gopher_mean_word_length", 10.5, 10);
  expect_dropped(rule, "", "gopher_mean_word_length", 0, 3);
}

TEST(DolmaQuality, CountsWordsThatHoldASymbol) {
  const auto rule = dolma_quality("gopher_symbol_ratio");
  expect_kept(rule, repeat("word", 9) + " ###\u2026#");
  expect_dropped(rule, repeat("word", 8) + " #a b\u2026", "gopher_symbol_ratio.words", 0.2, 0.1);
  expect_kept(rule, repeat("word...", 10));
  expect_kept(rule, "");
}

TEST(DolmaQuality, LooksForBulletsAndEllipsesAtTheEndsOfEveryLine) {
  const auto bullets = dolma_quality("gopher_bullet_lines");
  expect_dropped(bullets, repeat("* item", 10, "\n"), "gopher_bullet_lines", 1, 0.9);
  expect_kept(bullets, repeat("\u2022 item", 10, "\n"));
  expect_kept(bullets, repeat(" - item", 10, "\n"));
  // Blank lines are lines: 10 of 19.
  expect_kept(bullets, repeat("- item", 10, "\n\n"));
  const auto ellipses = dolma_quality("gopher_ellipsis_lines");
  expect_kept(ellipses, repeat("so...", 10, "\n"));
  expect_dropped(ellipses, repeat("so\u2026", 4, "\n") + "\n" + repeat("so", 6, "\n"), "gopher_ellipsis_lines", 0.4,
                 0.3);
}

TEST(DolmaQuality, CountsOccurrencesOfStopWords) {
  const auto rule = dolma_quality("gopher_stop_words");
  expect_kept(rule, "the cat the dog");
  expect_dropped(rule, "the cat The dog", "gopher_stop_words", 1, 2);
}

TEST(DolmaRepetition, CountsEveryCopyOfALineAndBlankLinesToo) {
  const auto rule = dolma_repetition("gopher_duplicate_lines");
  expect_kept(rule, repeat("same", 3, "\n") + "\na\nb\nc\nd\ne\nf\ng");
  expect_dropped(rule, repeat("same", 4, "\n") + "\na\nb\nc\nd\ne\nf", "gopher_duplicate_lines", 0.4, 0.3);
  expect_dropped(rule, "a\n\nb\n\nc", "gopher_duplicate_lines", 0.4, 0.3);
}

TEST(DolmaRepetition, AllowsThreeTenthsOfTheCharactersOfWordsInDuplicateLines) {
  const auto rule = dolma_repetition("gopher_duplicate_line_characters");
  expect_kept(rule, "abc\nabc\n" + std::string(14, 'x'));
  expect_dropped(rule, "abcd\nabcd\n" + std::string(12, 'x'), "gopher_duplicate_line_characters", 0.4, 0.3);
}

TEST(DolmaRepetition, HasNoRuleOfParagraphs) {
  const std::string text = repeat("the same paragraph", 10, "\n\n");
  expect_kept(dolma_repetition("gopher_duplicate_paragraphs"), text);
  expect_kept(dolma_repetition("gopher_duplicate_paragraph_characters"), text);
}

TEST(DolmaRepetition, AppliesTheMostFrequentNgramsOnlyAsIntended) {
  // "a b" 3 times: 6 of the 24 characters of words.
  const std::string text = "a b x1 a b x2 a b x3 yyyyyyyyyyyy";
  expect_kept(dolma_repetition("gopher_top_ngrams"), text);
  const auto intended = only("gopher_repetition", "gopher_top_ngrams", "dolma-v1.5-intended");
  expect_dropped(intended, text, "gopher_top_ngrams.2", 0.25, 0.2);
  // The first n-gram stands for all where none occurs twice.
  expect_dropped(intended, "aaa bb c d e f", "gopher_top_ngrams.2", 5.0 / 9, 0.2);
}

TEST(DolmaRepetition, DividesRepeatedNgramsByAllOfThem) {
  const auto rule = dolma_repetition("gopher_duplicate_ngrams");
  // Eleven words make seven 5-grams of five characters; the first and the last are the same.
  expect_dropped(rule, "a a a a a b a a a a a", "gopher_duplicate_ngrams.5", 2.0 / 7, 0.15);
  expect_kept(rule, "a b c d e f g h i j k");
  expect_kept(rule, "");
}

}  // namespace
}  // namespace reprise::data
