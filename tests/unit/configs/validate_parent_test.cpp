#include <gtest/gtest.h>

#include "config_text.h"
#include "reprise/configs/config.h"

namespace reprise::configs {
namespace {

/// The good config, of 20 steps, as that of a run that goes on from step 4 of another one.
RunConfig child() {
  RunConfig config = parse_config(kGoodConfig, "x");
  Parent& parent = *config.mutable_recipe()->mutable_parent();
  parent.set_run("parent");
  parent.set_step(4);
  parent.set_root(std::string(64, 'a'));
  parent.set_recipe_hash(std::string(64, 'b'));
  return config;
}

std::string mistakes_of(const RunConfig& config) {
  std::string text;
  for (const Mistake& mistake : validate(config)) {
    EXPECT_FALSE(mistake.hint.empty()) << mistake.place;
    text += mistake.place + ": " + mistake.message + "\n";
  }
  return text;
}

TEST(ParentRules, AcceptAParentThatIsNamed) { EXPECT_EQ(mistakes_of(child()), ""); }

TEST(ParentRules, AParentHasANameAndHashes) {
  RunConfig config = child();
  config.mutable_recipe()->mutable_parent()->clear_run();
  config.mutable_recipe()->mutable_parent()->set_root("ab");
  config.mutable_recipe()->mutable_parent()->clear_recipe_hash();
  EXPECT_EQ(mistakes_of(config),
            "recipe.parent.run: is required\n"
            "recipe.parent.root: is not 64 lower-case hexadecimal digits: 'ab'\n"
            "recipe.parent.recipe_hash: is not 64 lower-case hexadecimal digits: ''\n");
}

TEST(ParentRules, StepsRemainBehindTheParent) {
  RunConfig config = child();
  config.mutable_recipe()->mutable_parent()->set_step(20);
  EXPECT_EQ(mistakes_of(config), "recipe.train.num_steps: is 20; the run goes on from step 20\n");
}

}  // namespace
}  // namespace reprise::configs
