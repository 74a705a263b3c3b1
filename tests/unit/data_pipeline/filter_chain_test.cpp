#include <gmock/gmock.h>

#include "corpus_fixture.h"
#include "filter_vectors.h"

namespace reprise::data {
namespace {

using testing::HasSubstr;

Document document_of(const std::string& text, const std::string& kind = "natural", const std::string& language = "en") {
  Document document;
  document.text = text;
  document.kind = kind;
  document.language = language;
  return document;
}

std::optional<Drop> apply(const configs::DataRecipe& recipe, Document document) {
  Edits edits;
  return FilterChain(recipe).apply(document, edits);
}

TEST(FilterChain, AppliesARuleToItsKindsAndLanguagesAlone) {
  configs::DataRecipe recipe;
  configs::FilterRule* rule = recipe.add_filter();
  *rule = rule_of("gopher_quality");
  rule->add_kind("natural");
  rule->add_language("en");
  rule->add_language("de");
  EXPECT_TRUE(apply(recipe, document_of("short")).has_value());
  EXPECT_TRUE(apply(recipe, document_of("kurz", "natural", "de")).has_value());
  EXPECT_FALSE(apply(recipe, document_of("corto", "natural", "es")).has_value());
  EXPECT_FALSE(apply(recipe, document_of("int x;", "code", "en")).has_value());
  rule->clear_kind();
  rule->clear_language();
  EXPECT_TRUE(apply(recipe, document_of("int x;", "code", "C")).has_value());
}

TEST(FilterChain, RecordsTheFirstRuleOfTheRecipeThatDrops) {
  configs::DataRecipe recipe;
  *recipe.add_filter() = rule_of("c4");
  *recipe.add_filter() = rule_of("gopher_quality");
  EXPECT_EQ(apply(recipe, document_of("Too short."))->rule, "c4_min_sentences");
  recipe.mutable_filter()->SwapElements(0, 1);
  EXPECT_EQ(apply(recipe, document_of("Too short."))->rule, "gopher_word_count");
}

TEST(FilterChain, GivesLaterRulesTheEditedText) {
  configs::DataRecipe recipe;
  *recipe.add_filter() = only("c4", "c4_terminal_punctuation");
  *recipe.add_filter() = only("gopher_quality", "gopher_word_count");
  Document document = document_of(repeat("This line stays.", 16, "\n") + "\n" + repeat("this line goes", 40, "\n"));
  Edits edits;
  const auto drop = FilterChain(recipe).apply(document, edits);
  ASSERT_TRUE(drop.has_value());
  EXPECT_EQ(drop->rule, "gopher_word_count");
  EXPECT_EQ(drop->value, 48);
  EXPECT_EQ(document.text, repeat("This line stays.", 16, "\n"));
}

TEST(FilterChain, DropsDocumentsWithoutText) {
  configs::DataRecipe recipe;
  EXPECT_EQ(apply(recipe, document_of("", "code", "C"))->rule, "empty_text");
  *recipe.add_filter() = only("c4", "c4_terminal_punctuation");
  Document document = document_of("no mark");
  Edits edits;
  EXPECT_EQ(FilterChain(recipe).apply(document, edits)->rule, "empty_text");
  EXPECT_EQ(document.text, "no mark");
}

TEST(FilterChain, RefusesUnknownNames) {
  const auto message = [](const configs::FilterRule& rule) {
    const Error error = error_of([&] { make_filter(rule); });
    EXPECT_EQ(error.kind(), ErrorKind::kConfig);
    return std::string(error.what()) + " | " + error.hint();
  };
  EXPECT_THAT(message(rule_of("gopher_qualty")), HasSubstr("gopher_qualty | did you mean \"gopher_quality\""));
  EXPECT_THAT(message(rule_of("c4", "c4-papers")), HasSubstr("c4-papers | did you mean \"c4-paper\""));
  EXPECT_THAT(message(rule_of("c4", "", {"c4_javascrip"})), HasSubstr("did you mean \"c4_javascript\""));
}

TEST(FilterChain, KeepsAnythingWhenEveryPartIsSwitchedOff) {
  const std::string line = "- # lorem ipsum { javascript cookie policy [1] 7 7 7 7 7 7 ...";
  const std::string end = std::string(1001, 'x');
  for (const configs::KnownFilter& filter : configs::known_filters()) {
    for (const std::string& preset : filter.presets) {
      std::string text = repeat(line, 20, "\n\n") + "\n\n" + end;
      const std::string expected = filter.name == "c4" ? repeat(line, 20, "\n") + "\n" + end : text;
      Edits edits;
      const auto drop = make_filter(rule_of(filter.name, preset, filter.parts))->apply(text, edits);
      EXPECT_FALSE(drop.has_value()) << drop->rule;
      EXPECT_EQ(text, expected);  // c4 removes blank lines in any case
    }
  }
}

}  // namespace
}  // namespace reprise::data
