#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_text.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"

namespace reprise::configs {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

RunConfig with(const std::vector<std::string>& overrides) { return parse_config(kGoodConfig, "x.pbtxt", overrides); }

std::string complaint(const std::vector<std::string>& overrides) {
  try {
    with(overrides);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConfig);
    return error.what();
  }
}

TEST(ConfigOverride, SetsAFieldWithAndWithoutPrefix) {
  EXPECT_EQ(with({"recipe.train.num_steps=5"}).recipe().train().num_steps(), 5u);
  EXPECT_EQ(with({"train.num_steps=6"}).recipe().train().num_steps(), 6u);
  EXPECT_EQ(with({"seed=18446744073709551615"}).recipe().seed(), 18446744073709551615u);
  EXPECT_EQ(with({"num_ranks=3"}).runtime().num_ranks(), 3u);
  EXPECT_DOUBLE_EQ(with({"train.learning_rate.peak=2e-3"}).recipe().train().learning_rate().peak(), 2e-3);
  EXPECT_FALSE(with({"data.exact_dedup=false"}).recipe().data().exact_dedup());
}

TEST(ConfigOverride, TextNeedsNoQuotesButMayHaveThem) {
  EXPECT_EQ(with({"name=other"}).recipe().name(), "other");
  EXPECT_EQ(with({"name=\"other\""}).recipe().name(), "other");
  EXPECT_EQ(with({"runtime.output_dir=/a=b c"}).runtime().output_dir(), "/a=b c");
}

TEST(ConfigOverride, SetsAnElementOfAList) {
  const RunConfig config = with({"data.file[1].path=c.jsonl", "data.filter[0].kind[0]=code"});
  EXPECT_EQ(config.recipe().data().file(0).path(), "a.jsonl");
  EXPECT_EQ(config.recipe().data().file(1).path(), "c.jsonl");
  EXPECT_EQ(config.recipe().data().filter(0).kind(0), "code");
}

TEST(ConfigOverride, IndexBehindTheLastAddsAnElement) {
  const RunConfig config = with({"data.filter[0].kind[1]=code", "data.filter[1].name=gopher_quality"});
  ASSERT_EQ(config.recipe().data().filter(0).kind_size(), 2);
  EXPECT_EQ(config.recipe().data().filter(0).kind(0), "natural");
  EXPECT_EQ(config.recipe().data().filter(0).kind(1), "code");
  EXPECT_EQ(config.recipe().data().filter(1).name(), "gopher_quality");
}

TEST(ConfigOverride, WholeListIsReplaced) {
  EXPECT_EQ(with({"data.filter=[]"}).recipe().data().filter_size(), 0);
  const RunConfig config = with({"data.filter=[{name: \"c4\"}, {name: \"gopher_quality\" kind: \"x\"}]"});
  ASSERT_EQ(config.recipe().data().filter_size(), 2);
  EXPECT_EQ(config.recipe().data().filter(0).kind_size(), 0);
  EXPECT_EQ(with({"data.filter[0].language=[\"de\", \"fr\"]"}).recipe().data().filter(0).language_size(), 2);
  EXPECT_EQ(with({"data.filter[0].language=de"}).recipe().data().filter(0).language(0), "de");
}

TEST(ConfigOverride, MessageIsReplacedByItsText) {
  for (const char* text : {"train.adamw={beta1: 0.5}", "train.adamw=beta1: 0.5"}) {
    const AdamW adamw = with({"train.adamw.beta2=0.9", text}).recipe().train().adamw();
    EXPECT_DOUBLE_EQ(adamw.beta1(), 0.5);
    EXPECT_FALSE(adamw.has_beta2()) << text;
  }
}

TEST(ConfigOverride, LaterOverrideWins) { EXPECT_EQ(with({"seed=1", "seed=2"}).recipe().seed(), 2u); }

TEST(ConfigOverride, RepairsWhatTheFileHasWrong) {
  std::string text = kGoodConfig;
  text.replace(text.find("num_steps: 20"), 13, "num_steps: 0");
  EXPECT_EQ(parse_config(text, "x", std::vector<std::string>{"train.num_steps=3"}).recipe().train().num_steps(), 3u);
}

TEST(ConfigOverride, UnknownPathSuggestsTheNearest) {
  EXPECT_THAT(complaint({"train.num_stepz=5"}),
              AllOf(HasSubstr("--set train.num_stepz=5: unknown field 'num_stepz' in recipe.train"),
                    HasSubstr("did you mean 'num_steps'?")));
  EXPECT_THAT(complaint({"num_steps=5"}), HasSubstr("did you mean 'recipe.train.num_steps'?"));
  EXPECT_THAT(complaint({"trian.num_steps=5"}), HasSubstr("did you mean 'train.num_steps'?"));
  EXPECT_THAT(complaint({"vocab_siez=5"}), HasSubstr("did you mean 'recipe.tokenizer.vocab_size'?"));
}

TEST(ConfigOverride, BadPathsAreExplained) {
  EXPECT_THAT(complaint({"seed"}), HasSubstr("an override reads path=value"));
  EXPECT_THAT(complaint({"=3"}), HasSubstr("an override reads path=value"));
  EXPECT_THAT(complaint({"data.file[x].path=a.jsonl"}), HasSubstr("the path cannot be read"));
  EXPECT_THAT(complaint({"data..file=3"}), HasSubstr("the path cannot be read"));
  EXPECT_THAT(complaint({"data.file.path=a.jsonl"}), HasSubstr("'recipe.data.file' is a list; say which element"));
  EXPECT_THAT(complaint({"data.file[7].path=a.jsonl"}), HasSubstr("has 2 elements, so [7] does not exist"));
  EXPECT_THAT(complaint({"seed[0]=3"}), HasSubstr("is not a list"));
  EXPECT_THAT(complaint({"seed.x=3"}), HasSubstr("'recipe.seed' is a value and has no field 'x'"));
}

TEST(ConfigOverride, BadValuesAreExplainedTogetherWithTheFilesMistakes) {
  const std::string said = complaint({"train.num_steps=many", "tokenizer.vocab_size=100", "model={num_heads: 2"});
  EXPECT_THAT(said, AllOf(HasSubstr("3 mistakes"), HasSubstr("--set train.num_steps=many: recipe.train.num_steps"),
                          HasSubstr("--set tokenizer.vocab_size=100: recipe.tokenizer.vocab_size: must be from 257"),
                          HasSubstr("--set model={num_heads: 2: expected '}'")));
}

TEST(ConfigOverride, TextBehindAValueIsRefused) {
  EXPECT_THAT(complaint({"seed=3 4"}), HasSubstr("expected the end of the value, found '4'"));
}

}  // namespace
}  // namespace reprise::configs
