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

TEST(ConfigResolve, KeepsAZeroThatSaysSomethingElseThanNothing) {
  RunConfig config = parse_config(kGoodConfig, "x");
  ParameterGroup& group = *config.mutable_recipe()->mutable_train()->mutable_adamw()->add_group();
  group.add_tensor("*norm.weight");
  EXPECT_FALSE(resolve(config).recipe().train().adamw().group(0).has_weight_decay());
  group.set_weight_decay(0);
  EXPECT_TRUE(resolve(config).recipe().train().adamw().group(0).has_weight_decay());
}

/// What a run writes down is what is read when it goes on.
TEST(ConfigResolve, MakesNoMistakeOfAGoodConfig) {
  const auto with = [](const std::string& rate, const std::string& more = "") {
    return "recipe { name: \"x\" data { file { path: \"a.txt\" sha256: \"" + std::string(64, '0') + "\" } } " + more +
           " train { num_steps: 20 learning_rate { peak: 1e-3 " + rate + " } } }";
  };
  const std::string parent = "parent { run: \"p\" root: \"" + std::string(64, 'a') + "\" recipe_hash: \"" +
                             std::string(64, 'b') + "\" step: 0 }";
  for (const std::string& text :
       {with(""), with("shape: \"linear\""), with("shape: \"constant\""), with("shape: \"constant\" warmup_steps: 3"),
        with("shape: \"wsd\" decay_steps: 4"), with("shape: \"inverse_sqrt\" warmup_steps: 3"),
        with("shape: \"inverse_sqrt\" warmup_tokens: 50000"), with("warmup_tokens: 50000"),
        with("shape_steps: 30 final_fraction: 0"), with("", parent)}) {
    const RunConfig config = parse_config(text, "x");
    ASSERT_TRUE(validate(config).empty()) << text << validate(config)[0].place;
    const RunConfig written = parse_config(to_text(resolve(config)), "x");
    for (const Mistake& mistake : validate(written)) ADD_FAILURE() << text << ": " << mistake.place << mistake.message;
    EXPECT_EQ(recipe_hash(written.recipe()), recipe_hash(config.recipe())) << text;
  }
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
