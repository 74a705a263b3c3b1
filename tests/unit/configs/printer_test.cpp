#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "config_text.h"
#include "reprise/configs/config.h"

namespace reprise::configs {
namespace {

using google::protobuf::util::MessageDifferencer;

std::string printed(double value) {
  ModelRecipe model;
  model.set_init_std(value);
  return to_text(model);
}

TEST(ConfigPrinter, NumbersAreTheShortestThatReadBack) {
  EXPECT_EQ(printed(0.1), "init_std: 0.1\n");
  EXPECT_EQ(printed(500000), "init_std: 500000\n");
  EXPECT_EQ(printed(1e-3), "init_std: 0.001\n");
  EXPECT_EQ(printed(1e-6), "init_std: 1e-06\n");
  EXPECT_EQ(printed(1.0 / 3), "init_std: 0.3333333333333333\n");
  EXPECT_EQ(printed(-2.5), "init_std: -2.5\n");
  EXPECT_EQ(printed(0), "init_std: 0\n");
  EXPECT_EQ(printed(1e22), "init_std: 1e+22\n");
}

TEST(ConfigPrinter, TextHasEscapesAndKeepsUtf8) {
  Recipe recipe;
  recipe.set_name("a\"b\\c\n\x01é");
  EXPECT_EQ(to_text(recipe), "name: \"a\\\"b\\\\c\\n\\001é\"\n");
}

TEST(ConfigPrinter, MessagesAreIndentedAndUnsetFieldsLeftOut) {
  RunConfig config;
  config.mutable_recipe()->mutable_data()->add_file()->set_path("x");
  config.mutable_runtime()->set_num_ranks(2);
  EXPECT_EQ(to_text(config),
            "recipe {\n  data {\n    file {\n      path: \"x\"\n    }\n  }\n}\nruntime {\n  num_ranks: 2\n}\n");
}

TEST(ConfigPrinter, RandomDoublesReadBackBitForBit) {
  std::mt19937_64 random(20261121);
  for (int i = 0; i < 2000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (!std::isfinite(value) || std::fpclassify(value) == FP_SUBNORMAL) continue;
    const RunConfig back = check_config("recipe { model { " + printed(value) + "} }", "x").config;
    EXPECT_EQ(std::bit_cast<std::uint64_t>(back.recipe().model().init_std()), std::bit_cast<std::uint64_t>(value));
  }
}

TEST(ConfigPrinter, BothParsersReadItBack) {
  const RunConfig config = resolve(parse_config(kGoodConfig, "x"));
  const std::string text = to_text(config);
  EXPECT_TRUE(MessageDifferencer::Equals(parse_config(text, "x"), config));
  RunConfig by_protobuf;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &by_protobuf));
  EXPECT_TRUE(MessageDifferencer::Equals(by_protobuf, config));
}

TEST(ConfigResolve, WritesEveryDeclaredDefault) {
  const RunConfig config = resolve(parse_config(kGoodConfig, "x"));
  EXPECT_TRUE(config.recipe().has_numerics());
  EXPECT_TRUE(config.recipe().train().adamw().has_beta1());
  EXPECT_EQ(config.recipe().train().adamw().beta1(), 0.9);
  EXPECT_TRUE(config.recipe().eval().has_num_checkpoints());
  EXPECT_TRUE(config.runtime().has_num_threads());
  EXPECT_FALSE(config.runtime().has_output_dir());
}

TEST(ConfigResolve, ChangesNothingTheSecondTime) {
  const RunConfig once = resolve(parse_config(kGoodConfig, "x"));
  EXPECT_EQ(to_text(resolve(once)), to_text(once));
}

TEST(ConfigResolve, EmptyTextAndNoTextAreTheSame) {
  RunConfig a = parse_config(kGoodConfig, "x");
  RunConfig b = a;
  b.mutable_recipe()->mutable_eval()->set_suite_sha256("");
  EXPECT_EQ(to_text(resolve(a)), to_text(resolve(b)));
}

TEST(ConfigFolder, DefaultsToRunsAndTheName) {
  RunConfig config = parse_config(kGoodConfig, "x");
  EXPECT_EQ(output_folder(config), "runs/small");
  config.mutable_runtime()->set_output_dir("/tmp/y");
  EXPECT_EQ(output_folder(config), "/tmp/y");
}

}  // namespace
}  // namespace reprise::configs
