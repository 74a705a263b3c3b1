// Mistakes in groups and stages (docs/reference/mixtures.md).
#include <gtest/gtest.h>

#include "reprise/configs/config.h"
#include "reprise/configs/stages.h"

namespace reprise::configs {
namespace {

constexpr char kGroups[] = R"(group { name: "web" source: "web.*" } group { name: "rest" })";
constexpr char kStages[] = R"(
  stage { name: "main" steps: 15 share { group: "web" weight: 0.7 } share { group: "rest" weight: 0.3 } }
  stage { name: "anneal" share { group: "rest" epochs: 1 } share { group: "web" weight: 1 } })";

/// A config of 20 steps of 16 sequences of 256 tokens with `fields` in recipe.train.
CheckedConfig check(const std::string& fields) {
  return check_config(R"(recipe { name: "small"
    data { file { path: "a.jsonl" sha256: "0000000000000000000000000000000000000000000000000000000000000000" } }
    train { num_steps: 20 learning_rate { peak: 1e-3 } )" +
                          fields + "} }",
                      "small");
}

/// The mistakes by field, not by line.
std::vector<Mistake> mistakes_of(const std::string& fields) { return validate(check(fields).config); }

struct Case {
  const char* rule;
  std::string fields;
  const char* place;
  const char* says;
};

std::string stage(const std::string& fields) { return kGroups + (" stage { " + fields + " }"); }
constexpr char kShare[] = " share { group: \"web\" weight: 1 }";

const Case kCases[] = {
    {"GroupsNeedStages", kGroups, "recipe.train.stage", "is required where groups are given"},
    {"GroupsHaveNames", std::string("group { source: \"a\" }") + kGroups + kStages, "recipe.train.group[0].name",
     "is required"},
    {"GroupNamesAreNames", std::string("group { name: \"a b\" }") + kGroups + kStages, "recipe.train.group[0].name",
     "is not a name: 'a b'"},
    {"GroupNamesAreDistinct", std::string("group { name: \"web\" }") + kGroups + kStages, "recipe.train.group[1].name",
     "is given twice: 'web'"},
    {"MaxEpochsIsPositive", std::string("group { name: \"a\" max_epochs: 0 }") + kGroups + kStages,
     "recipe.train.group[0].max_epochs", "must be above 0, is 0"},
    {"StagesHaveNames", stage(kShare), "recipe.train.stage[0].name", "is required"},
    {"OneLengthOfAStage", stage("name: \"a\" steps: 20 tokens: 81920" + std::string(kShare)),
     "recipe.train.stage[0].tokens", "is given beside steps"},
    {"StepsArePositive", stage("name: \"a\" steps: 0" + std::string(kShare)), "recipe.train.stage[0].steps",
     "must be above 0, is 0"},
    {"TokensArePositive", stage("name: \"a\" tokens: 0" + std::string(kShare)), "recipe.train.stage[0].tokens",
     "must be above 0, is 0"},
    {"OnlyTheLastStageTakesTheRest",
     kGroups + ("stage { name: \"a\"" + std::string(kShare)) + "}" + "stage { name: \"b\" steps: 20" + kShare + "}",
     "recipe.train.stage[0].steps", "is required, or tokens"},
    {"SomethingRemainsForTheLastStage",
     kGroups + ("stage { name: \"a\" steps: 20" + std::string(kShare)) + "} stage { name: \"b\"" + kShare + "}",
     "recipe.train.stage[1].steps", "nothing of num_steps 20 remains for the last stage"},
    {"StagesFillTheRun", stage("name: \"a\" steps: 19" + std::string(kShare)), "recipe.train.num_steps",
     "is 20, but the stages have 19 steps together"},
    {"TokensOfAStageAreWholeSteps", stage("name: \"a\" tokens: 81921" + std::string(kShare)), "recipe.train.num_steps",
     "is 20, but the stages have 21 steps together"},
    {"StagesHaveShares", stage("name: \"a\""), "recipe.train.stage[0].share", "is required"},
    {"SharesNameGroups", stage("name: \"a\" share { group: \"wep\" weight: 1 }"),
     "recipe.train.stage[0].share[0].group", "there is no group 'wep'"},
    {"AStageHasOneShareOfAGroup", stage("name: \"a\"" + std::string(kShare) + kShare),
     "recipe.train.stage[0].share[1].group", "is given twice: 'web'"},
    {"AShareHasASize", stage("name: \"a\" share { group: \"web\" }"), "recipe.train.stage[0].share[0].weight",
     "is required, or epochs, or token_budget"},
    {"AShareHasOneSize", stage("name: \"a\" share { group: \"web\" weight: 1 epochs: 1 }"),
     "recipe.train.stage[0].share[0].weight", "is one of weight, epochs and token_budget; several are given"},
    {"WeightsArePositive", stage("name: \"a\" share { group: \"web\" weight: -1 }"),
     "recipe.train.stage[0].share[0].weight", "must be above 0, is -1"},
    {"EpochsArePositive", stage("name: \"a\" share { group: \"web\" epochs: 0 }"),
     "recipe.train.stage[0].share[0].epochs", "must be above 0, is 0"},
    {"BudgetsHoldASequence", stage("name: \"a\" share { group: \"web\" token_budget: 255 }"),
     "recipe.train.stage[0].share[0].token_budget", "is less than one sequence of 256: 255"},
};

class MixtureRule : public ::testing::TestWithParam<Case> {};

TEST_P(MixtureRule, FindsTheOneMistake) {
  const std::vector<Mistake> mistakes = mistakes_of(GetParam().fields);
  ASSERT_EQ(mistakes.size(), 1u) << (mistakes.empty() ? "none" : mistakes[1].place + ": " + mistakes[1].message);
  EXPECT_EQ(mistakes[0].place, GetParam().place);
  EXPECT_NE(mistakes[0].message.find(GetParam().says), std::string::npos) << mistakes[0].message;
  EXPECT_FALSE(mistakes[0].hint.empty());
}

INSTANTIATE_TEST_SUITE_P(Validate, MixtureRule, ::testing::ValuesIn(kCases),
                         [](const auto& one) { return std::string(one.param.rule); });

TEST(MixtureRules, AcceptGroupsAndStages) { EXPECT_TRUE(check(std::string(kGroups) + kStages).mistakes.empty()); }

TEST(MixtureRules, AStageWithoutGroupsLacksGroupsAndNamesNone) {
  const std::vector<Mistake> mistakes = mistakes_of("stage { name: \"a\"" + std::string(kShare) + "}");
  ASSERT_EQ(mistakes.size(), 2u);
  EXPECT_EQ(mistakes[0].place, "recipe.train.group");
  EXPECT_EQ(mistakes[1].place, "recipe.train.stage[0].share[0].group");
}

TEST(MixtureRules, EveryMistakeIsReportedAtOnce) {
  const std::vector<Mistake> mistakes = check(R"(group { name: "a" max_epochs: -1 } group { name: "a" }
      stage { name: "s" steps: 5 share { group: "b" weight: 1 } })")
                                            .mistakes;
  EXPECT_EQ(mistakes.size(), 4u);
}

TEST(MixtureRules, AMistypedGroupIsAnsweredWithTheNearest) {
  const std::vector<Mistake> mistakes = mistakes_of(stage("name: \"a\" share { group: \"wep\" weight: 1 }"));
  ASSERT_EQ(mistakes.size(), 1u);
  EXPECT_EQ(mistakes[0].hint, "did you mean 'web'?");
}

TEST(StageSteps, RoundsTokensUpAndGivesTheLastStageTheRest) {
  const RunConfig config = check(kGroups + ("stage { name: \"a\" tokens: 4097" + std::string(kShare)) +
                                 "} stage { name: \"b\" steps: 3" + kShare + "} stage { name: \"c\"" + kShare + "}")
                               .config;
  EXPECT_EQ(stage_steps(config.recipe().train()), (std::vector<std::uint64_t>{2, 3, 15}));
}

TEST(StageSteps, FillTheStepsBehindTheParentWhereTheDataIsReadFromItsBeginning) {
  RunConfig config =
      check(kGroups + ("stage { name: \"a\" steps: 5" + std::string(kShare)) + "} stage { name: \"b\"" + kShare + "}")
          .config;
  Parent& parent = *config.mutable_recipe()->mutable_parent();
  parent.set_step(12);
  EXPECT_EQ(stage_steps(config.recipe()), (std::vector<std::uint64_t>{5, 15}));
  parent.set_restart_data(true);
  EXPECT_EQ(stage_steps(config.recipe()), (std::vector<std::uint64_t>{5, 3}));
  parent.set_step(15);
  parent.set_run("parent");
  parent.set_root(std::string(64, 'a'));
  parent.set_recipe_hash(std::string(64, 'b'));
  const std::vector<Mistake> mistakes = validate(config);
  ASSERT_EQ(mistakes.size(), 1u);
  EXPECT_NE(mistakes[0].message.find("nothing of num_steps 20 behind step 15 of the parent remains"), std::string::npos)
      << mistakes[0].message;
}

TEST(RecipeHash, GroupsAndStagesEnterItAndTheirDefaultsDoNotChangeIt) {
  const Digest plain = recipe_hash(check("").config.recipe());
  const Digest mixed = recipe_hash(check(std::string(kGroups) + kStages).config.recipe());
  const Digest spelled = recipe_hash(
      check(std::string(R"(group { name: "web" source: "web.*" max_epochs: 4 } group { name: "rest" })") + kStages)
          .config.recipe());
  EXPECT_NE(plain, mixed);
  EXPECT_EQ(mixed, spelled);
}

}  // namespace
}  // namespace reprise::configs
