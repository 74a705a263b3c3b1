// Conformance vectors of dclm_lines and of the preset "dclm" of Gopher's rules, where it differs from gopher-paper.
// The expected values are counted by hand from how the texts are built.

#include <gmock/gmock.h>

#include "dclm_counter.h"
#include "filter_vectors.h"

namespace reprise::data {
namespace {

configs::FilterRule dclm_quality(const std::string& part) { return only("gopher_quality", part, "dclm"); }
configs::FilterRule dclm_repetition(const std::string& part) { return only("gopher_repetition", part, "dclm"); }

/// What one part leaves of a text.
std::string edited(const std::string& part, std::string text) {
  Edits edits;
  EXPECT_FALSE(make_filter(only("dclm_lines", part))->apply(text, edits).has_value());
  return text;
}

TEST(DclmQuality, CountsWordsThatBeginWithALetterOrNumber) {
  const auto rule = dclm_quality("gopher_word_count");
  expect_kept(rule, repeat("word 1a", 25));
  expect_dropped(rule, repeat("word", 49) + " (word) -- \u2022", "gopher_word_count", 49, 50);
}

TEST(DclmQuality, AddsUpTheSymbols) {
  const auto rule = dclm_quality("gopher_symbol_ratio");
  expect_kept(rule, repeat("word", 9) + " #word");
  expect_dropped(rule, repeat("word", 8) + " #word word...", "gopher_symbol_ratio.sum", 0.2, 0.1);
  expect_dropped(rule, repeat("word", 5) + " . . . \u2026 x", "gopher_symbol_ratio.sum", 0.2, 0.1);
}

TEST(DclmQuality, KnowsMoreBulletsAndSpacedEllipses) {
  expect_dropped(dclm_quality("gopher_bullet_lines"), repeat("\u25CF item", 5, "\n") + "\n" + repeat("* item", 5, "\n"),
                 "gopher_bullet_lines", 1, 0.9);
  expect_dropped(dclm_quality("gopher_ellipsis_lines"), "so . . .\nit is", "gopher_ellipsis_lines", 0.5, 0.3);
}

TEST(DclmQuality, MeasuresWordsWithoutALetter) {
  const auto rule = dclm_quality("gopher_alphabetic_words");
  expect_kept(rule, repeat("word", 8) + " 1 2");
  expect_dropped(rule, repeat("word", 7) + " 1 2 3", "gopher_alphabetic_words.without", 0.3, 0.2);
}

TEST(DclmQuality, CountsStopWordsOfAnyCase) {
  const auto rule = dclm_quality("gopher_stop_words");
  expect_kept(rule, "The cat THE dog");
  expect_dropped(rule, "The cat, the, dog", "gopher_stop_words", 1, 2);
}

TEST(DclmRepetition, ComparesTrimmedLinesAndCountsEveryCopy) {
  expect_kept(dclm_repetition("gopher_duplicate_lines"), repeat("same", 3, "\n") + "\na\nb\nc\nd\ne\nf\ng");
  expect_dropped(dclm_repetition("gopher_duplicate_lines"), "a\n  a\nb\nc", "gopher_duplicate_lines", 0.5, 0.3);
  expect_dropped(dclm_repetition("gopher_duplicate_line_characters"), "ab\n  ab\n\n" + std::string(6, 'x'),
                 "gopher_duplicate_line_characters", 0.4, 0.2);
}

TEST(DclmRepetition, TakesTheLongestOfTheMostFrequentNgrams) {
  const auto rule = dclm_repetition("gopher_top_ngrams");
  // "a b" and "cc dd" twice each; 2 * 4 of 20 characters.
  expect_dropped(rule, "a, b! x. a b yyy. cc dd zzzz cc dd", "gopher_top_ngrams.2", 8.0 / 20, 0.2);
  expect_kept(rule, "a b c d e f");
}

TEST(DclmRepetition, CountsEachWordThatARepeatedNgramCovers) {
  // Twelve words, of which five and five are a repeated 5-gram.
  expect_dropped(dclm_repetition("gopher_duplicate_ngrams"), "a b c d e x a b c d e y", "gopher_duplicate_ngrams.5",
                 10.0 / 12, 0.15);
  expect_dropped(dclm_repetition("gopher_duplicate_ngrams"), "a a a a a a", "gopher_duplicate_ngrams.5", 1, 0.15);
}

/// What one part of dclm_urls leaves of a text.
std::string without_addresses(const std::string& part, std::string text, const std::string& preset = "dclm-intended") {
  Edits edits;
  const std::size_t size = text.size();
  EXPECT_FALSE(make_filter(only("dclm_urls", part, preset))->apply(text, edits).has_value());
  EXPECT_EQ(text.size() + edits[part].num_bytes, size);
  return text;
}

// The expected values are those of Python's re with the published expressions.
TEST(DclmUrls, GoWithTheirPathAndUpToTenBlanksBefore) {
  EXPECT_EQ(without_addresses("dclm_url", "see http://a.com/b?c=(1)#d now"), "see now");
  EXPECT_EQ(without_addresses("dclm_url", "see\n\n  www.b.co.uk, and"), "see, and");
  EXPECT_EQ(without_addresses("dclm_url", "x" + std::string(12, ' ') + "a.de"), "x  ");
  EXPECT_EQ(without_addresses("dclm_url", "mail me@b.org."), "mail");
}

TEST(DclmUrls, NeedATopLevelDomainInLowerCaseAtAWordBoundary) {
  EXPECT_EQ(without_addresses("dclm_url", "a.notadomain a.Com a.com2 a.com_ .com"),
            "a.notadomain a.Com a.com2 a.com_ .com");
  EXPECT_EQ(without_addresses("dclm_url", "x.\u0440\u0444 y"), " y");
  EXPECT_EQ(without_addresses("dclm_url", "end.in other"), " other");
}

TEST(DclmUrls, BeginAtMost256CharactersBeforeTheTopLevelDomain) {
  EXPECT_EQ(without_addresses("dclm_url", std::string(300, 'x') + ".com y"), std::string(44, 'x') + " y");
  EXPECT_EQ(without_addresses("dclm_url", "http://" + std::string(300, 'x') + ".com"),
            "http://" + std::string(44, 'x'));
}

TEST(DclmUrls, AreLeftInPagesThatDoNotBeginWithATopLevelDomain) {
  EXPECT_EQ(without_addresses("dclm_url", "Whence a.com", "dclm"), "Whence a.com");
  EXPECT_EQ(without_addresses("dclm_url", "It is a.com", "dclm"), "It is");
  EXPECT_EQ(without_addresses("dclm_url", "\u041C\u043E\u0441\u043A\u0432\u0430 a.com", "dclm"),
            "\u041C\u043E\u0441\u043A\u0432\u0430");
  EXPECT_EQ(without_addresses("dclm_url", "1 a.com", "dclm"), "1 a.com");
}

TEST(DclmUrls, OfNumbersGoAtAWordBoundary) {
  EXPECT_EQ(without_addresses("dclm_ip_address", "at http://192.168.0.1:80/x and 1.2.3.4"), "at and");
  EXPECT_EQ(without_addresses("dclm_ip_address", "v1.2.3.4 300.1.2.3 1.2.3"), "v1.2.3.4 300.1.2.3 1.2.3");
  EXPECT_EQ(without_addresses("dclm_ip_address", "1234.5.6.7.8"), "1234.");
}

TEST(DclmUrls, AloneAreAnEmptyText) {
  Document document;
  document.text = "1.2.3.4";
  const configs::FilterRule rule = rule_of("dclm_urls");
  Edits edits;
  EXPECT_EQ(FilterChain(std::vector{rule}).apply(document, edits)->rule, "empty_text");
}

TEST(DclmLines, RemoveLinesOfMostlyUpperCase) {
  EXPECT_EQ(edited("dclm_uppercase", "keep\nABc\nABcd\nALL\nkeep"), "keep\nABcd\nkeep");
  EXPECT_EQ(edited("dclm_uppercase", "\u0416\u0416\u0436\nkeep"), "keep");
}

TEST(DclmLines, RemoveLinesOfDigitsAlone) {
  EXPECT_EQ(edited("dclm_numeric", "keep\n12345\n1 2\n\u0661\u0662\nkeep"), "keep\n1 2\nkeep");
}

TEST(DclmLines, RemoveCounters) {
  for (const char* line : {"3 likes", "1.2K views", "(1,234 Comments)", "7b  followers!"}) {
    EXPECT_TRUE(is_dclm_counter(line)) << line;
  }
  for (const char* line : {"3likes", "likes", "3 likes each", "about 3 likes", "3 kg views", "_3 likes", ""}) {
    EXPECT_FALSE(is_dclm_counter(line)) << line;
  }
  EXPECT_EQ(edited("dclm_counter", "keep\n3 likes\nkeep"), "keep\nkeep");
}

TEST(DclmLines, RemoveLinesOfOneWord) {
  EXPECT_EQ(edited("dclm_short_line", "two words\n\none\nmore words"), "two words\n\nmore words");
}

TEST(DclmLines, CutPhrasesOutOfShortLines) {
  EXPECT_EQ(edited("dclm_boilerplate", "you have 3 Items in Cart now"), "you have 3 now");
  EXPECT_EQ(edited("dclm_boilerplate", "a story Read more..."), "a story");
  // The published phrase is a regular expression: its dots are any three characters.
  EXPECT_EQ(edited("dclm_boilerplate", "a story Read more!!!"), "a story");
  EXPECT_EQ(edited("dclm_boilerplate", "Read more"), "Read more");
  EXPECT_EQ(edited("dclm_boilerplate", "Sign-in to go on"), "to go on");
  EXPECT_EQ(edited("dclm_boilerplate", "go on to Sign-in"), "go on to Sign-in");
  EXPECT_EQ(edited("dclm_boilerplate", "keep\nItems in cart\nkeep"), "keep\nkeep");
  EXPECT_EQ(edited("dclm_boilerplate", repeat("word", 8) + " read more..."), repeat("word", 8));
  EXPECT_EQ(edited("dclm_boilerplate", repeat("word", 9) + " read more..."), repeat("word", 9) + " read more...");
}

TEST(DclmLines, LeaveTwoLineFeedsInARow) { EXPECT_EQ(edited("dclm_newlines", "a\n\n\n\nb\n\nc\nd"), "a\n\nb\n\nc\nd"); }

TEST(DclmLines, LimitLineFeedsBeforeLinesGo) {
  const auto rule = rule_of("dclm_lines", "dclm", {"dclm_removed_words"});
  std::string text = "two words\n\n\nONE\n\n\nmore words";
  Edits edits;
  EXPECT_FALSE(make_filter(rule)->apply(text, edits).has_value());
  EXPECT_EQ(text, "two words\n\n\nmore words");
  EXPECT_EQ(edits.at("dclm_uppercase").num_lines, 1u);
  EXPECT_EQ(edits.at("dclm_uppercase").num_bytes, 4u);
  EXPECT_EQ(edits.at("dclm_newlines").num_bytes, 2u);
}

TEST(DclmLines, DropAPageThatLosesMoreThanAFiveHundredthsOfItsWords) {
  const auto rule = rule_of("dclm_lines");
  expect_kept(rule, repeat("two words", 19) + "\nTWO WORDS");
  expect_dropped(rule, repeat("two words", 9) + "\nTWO WORDS", "dclm_removed_words", 0.1, 0.05);
  expect_dropped(rule, "-- !!", "dclm_removed_words", 1, 0.05);
}

}  // namespace
}  // namespace reprise::data
