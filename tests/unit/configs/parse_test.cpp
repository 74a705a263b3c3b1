#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "config_text.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"

namespace reprise::configs {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// What parse_config says of `text`, or "" when it takes it.
std::string complaint(const std::string& text) {
  try {
    parse_config(text, "x.pbtxt");
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConfig);
    return error.what();
  }
}

/// The good config with `text` put into its recipe, at line 2.
std::string with_line(const std::string& text) {
  std::string config = kGoodConfig;
  return config.insert(config.find('\n') + 1, text + "\n");
}

TEST(ConfigText, TakesAGoodConfig) {
  const RunConfig config = parse_config(kGoodConfig, "x.pbtxt");
  EXPECT_EQ(config.recipe().name(), "small");
  EXPECT_EQ(config.recipe().train().num_steps(), 20u);
  EXPECT_EQ(config.recipe().data().file(1).path(), "b.jsonl.zst");
  EXPECT_EQ(config.recipe().data().filter(0).disable(0), "c4_terminal_punctuation");
}

TEST(ConfigText, TakesTheShippedConfigs) {
  const std::filesystem::path runs = std::filesystem::path(REPRISE_SOURCE_DIR) / "configs/runs";
  EXPECT_EQ(load_config(runs / "tiny.pbtxt").recipe().name(), "tiny");
  EXPECT_EQ(load_config(runs / "standard.pbtxt").recipe().name(), "standard");
}

TEST(ConfigText, MayBeginWithAByteOrderMark) {
  const std::string mark = "\xEF\xBB\xBF";
  EXPECT_EQ(complaint(mark + kGoodConfig), "");
  EXPECT_THAT(complaint(mark + "recip {}"), HasSubstr("x.pbtxt:1:1: unknown field 'recip'"));
}

TEST(ConfigText, UnknownFieldHasLineColumnAndNearestName) {
  EXPECT_THAT(complaint(with_line("  numericz: \"exact\"")),
              AllOf(HasSubstr("1 mistake in x.pbtxt"), HasSubstr("x.pbtxt:2:3: unknown field 'numericz' in recipe"),
                    HasSubstr("did you mean 'numerics'?")));
}

TEST(ConfigText, UnknownFieldFarFromEveryNameListsTheNames) {
  EXPECT_THAT(complaint(with_line("  qqqqqqqqqqqqqqqq { a: [1, { b: 2 }] }")), HasSubstr("known fields: name, seed"));
}

TEST(ConfigText, WrongTypeNamesFieldAndValue) {
  EXPECT_THAT(complaint(with_line("  eval { num_checkpoints: \"x\" }")),
              HasSubstr("x.pbtxt:2:27: recipe.eval.num_checkpoints: expected a number without quotes, found '\"x\"'"));
  EXPECT_THAT(complaint(with_line("  eval { num_checkpoints: 4294967296 }")),
              HasSubstr("expected a whole number from 0 to 4294967295, found '4294967296'"));
  EXPECT_THAT(complaint(with_line("  eval { num_checkpoints: -1 }")), HasSubstr("found '-1'"));
  EXPECT_THAT(complaint(with_line("  eval { suite_sha256: 12 }")), HasSubstr("expected a text between quotes"));
  EXPECT_THAT(complaint(with_line("  model { init_std: 1e999 }")), HasSubstr("expected a number, found '1e999'"));
}

TEST(ConfigText, FieldGivenTwiceNamesTheFirstPlace) {
  EXPECT_THAT(complaint(with_line("  seed: 1")), HasSubstr("x.pbtxt:4:3: field 'recipe.seed' is given twice, first at "
                                                           "x.pbtxt:2:3"));
}

TEST(ConfigText, FiveMistakesAreReportedAtOnce) {
  const std::string text = R"(recipe {
  name: "a b"
  sed: 4
  data { held_out_fraction: 1.5 file { path: "a.jsonl" sha256: "12" } }
  model { num_heads: 3 }
  train { num_steps: "many" learning_rate { peak: 1e-3 } }
}
)";
  const std::string said = complaint(text);
  EXPECT_THAT(said, AllOf(HasSubstr("6 mistakes in x.pbtxt"), HasSubstr("x.pbtxt:3:3: unknown field 'sed'"),
                          HasSubstr("x.pbtxt:6:22: recipe.train.num_steps: expected a number"),
                          HasSubstr("x.pbtxt:2:3: recipe.name: cannot name a folder: 'a b'"),
                          HasSubstr("recipe.data.held_out_fraction: must be at least 0 and below 1, is 1.5"),
                          HasSubstr("recipe.data.file[0].sha256"), HasSubstr("recipe.model.num_heads")));
}

TEST(ConfigText, ValueThatCannotBeReadIsNotAlsoReportedAsMissing) {
  const std::string text = with_line("");
  std::string broken = text;
  broken.replace(broken.find("num_steps: 20"), 13, "num_steps: x");
  EXPECT_THAT(complaint(broken), HasSubstr("1 mistake"));
  broken = text;
  broken.replace(broken.find("num_steps: 20"), 13, "num_stepz: 20");
  EXPECT_THAT(complaint(broken), HasSubstr("1 mistake"));
}

TEST(ConfigText, TextThatBreaksOffIsOneMistakeWithoutNoise) {
  const std::string said = complaint(kGoodConfig.substr(0, kGoodConfig.find("train")));
  EXPECT_THAT(said, AllOf(HasSubstr("1 mistake"), HasSubstr("expected '}' at the end of 'recipe'"),
                          HasSubstr("found the end of the text"), Not(HasSubstr("num_steps"))));
}

TEST(ConfigText, UnclosedQuoteNamesItsPlace) {
  EXPECT_THAT(complaint("recipe {\n  name: \"tiny\n}\n"), HasSubstr("x.pbtxt:2:"));
}

TEST(ConfigText, NonsenseNeverCrashes) {
  for (const char* text : {"}", "{", "recipe", "recipe:", "recipe { seed }", "recipe { seed: }", "recipe { seed: { } }",
                           "recipe { data { file: [ } }", "a { b { c", "\xff\xfe", "recipe < name: \"x\" }", ": : :",
                           "recipe { data { file [ { path: \"a\" }, ] } }", "\"recipe\" { }", "recipe { seed: - }"}) {
    EXPECT_NE(complaint(text), "") << text;
  }
}

TEST(ConfigText, DeepNestingIsRefusedNotFollowed) {
  std::string text = "recipe ";
  for (int i = 0; i < 100000; ++i) text += "{ data ";
  EXPECT_THAT(complaint(text), HasSubstr("mistake"));
}

TEST(ConfigText, EveryPrefixOfAConfigEitherParsesOrExplainsItself) {
  for (std::size_t size = 0; size < kGoodConfig.size() - 2; ++size) {
    EXPECT_THAT(complaint(kGoodConfig.substr(0, size)), HasSubstr("x.pbtxt")) << size;
  }
}

TEST(ConfigText, MissingFileIsAnIoError) {
  try {
    load_config("/nonexistent/x.pbtxt");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
  }
}

// protobuf's own parser is the oracle for what a text means.
TEST(ConfigText, MeansWhatProtobufsParserSaysItMeans) {
  const char* texts[] = {
      "recipe { seed: 0x1F name: 'a' \"b\" }",
      "recipe: { seed: 017, name: \"\\n\\t\\\"\\101\\xff\" ; }",
      "recipe < data { file: [{ path: 'x' }, < sha256: 'y' >] file { path: 'z' } } >",
      "recipe { data { filter { kind: ['a', \"b\"] kind: 'c' language: [] } exact_dedup: 0 } }  # comment",
      "recipe { model { init_std: 1.5f norm_eps: 1e-6 rope_theta: 500000 init_cut: .25 } train { z_loss: -0.0 } }",
      "recipe { model { init_std: inf norm_eps: -inf rope_theta: 7 } data { exact_dedup: True } }",
      "runtime { num_ranks: 4 } recipe { }",
      "",
  };
  for (const char* text : texts) {
    RunConfig expected;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &expected)) << text;
    const RunConfig parsed = check_config(text, "x").config;
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(parsed, expected)) << text << "\n"
                                                                                      << parsed.DebugString();
  }
}

}  // namespace
}  // namespace reprise::configs
