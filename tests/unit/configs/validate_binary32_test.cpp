// Numbers that are right as they are written, and not as what the kernels take: rounded to binary32, or as angles.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "config_text.h"
#include "reprise/configs/config.h"

namespace reprise::configs {
namespace {

using testing::HasSubstr;

/// Sets one number of a config.
using Setter = void (*)(RunConfig& config, double value);

/// The finding on the good config with the number set, as "place: message", or "" where there is none.
std::string finding(Setter set, double value) {
  RunConfig config = parse_config(kGoodConfig, "x");
  set(config, value);
  std::string text;
  for (const Mistake& mistake : validate(config)) {
    text += (text.empty() ? "" : "\n") + mistake.place + ": " + mistake.message;
    EXPECT_FALSE(mistake.hint.empty()) << mistake.place;
  }
  return text;
}

void set_beta1(RunConfig& c, double value) { c.mutable_recipe()->mutable_train()->mutable_adamw()->set_beta1(value); }
void set_beta2(RunConfig& c, double value) { c.mutable_recipe()->mutable_train()->mutable_adamw()->set_beta2(value); }
void set_epsilon(RunConfig& c, double value) {
  c.mutable_recipe()->mutable_train()->mutable_adamw()->set_epsilon(value);
}
void set_weight_decay(RunConfig& c, double value) {
  c.mutable_recipe()->mutable_train()->mutable_adamw()->set_weight_decay(value);
}
void set_z_loss(RunConfig& c, double value) { c.mutable_recipe()->mutable_train()->set_z_loss(value); }
void set_peak(RunConfig& c, double value) {
  c.mutable_recipe()->mutable_train()->mutable_learning_rate()->set_peak(value);
}
void set_norm_eps(RunConfig& c, double value) { c.mutable_recipe()->mutable_model()->set_norm_eps(value); }
void set_init_std(RunConfig& c, double value) { c.mutable_recipe()->mutable_model()->set_init_std(value); }
void set_init_cut(RunConfig& c, double value) { c.mutable_recipe()->mutable_model()->set_init_cut(value); }
void set_rope_theta(RunConfig& c, double value) { c.mutable_recipe()->mutable_model()->set_rope_theta(value); }
void set_length(RunConfig& c, double value) {
  c.mutable_recipe()->mutable_train()->set_sequence_length(static_cast<std::uint32_t>(value));
}

/// A group of its own learning rate, beside the peak of 1e-3.
ParameterGroup& add_group(RunConfig& config) {
  ParameterGroup& group = *config.mutable_recipe()->mutable_train()->mutable_adamw()->add_group();
  group.add_tensor("*norm.weight");
  return group;
}
void set_scale(RunConfig& c, double value) { add_group(c).set_learning_rate_scale(value); }
void set_decay_of_group(RunConfig& c, double value) { add_group(c).set_weight_decay(value); }

struct Named {
  const char* place;
  Setter set;
};

TEST(RoundedNumber, ABetaThatRoundsToOneIsRefused) {
  const double tie = 1.0 - 0x1p-25;  // halfway between 1 and the binary32 below it; 1 is the even one
  for (const Named& beta :
       {Named{"recipe.train.adamw.beta1", set_beta1}, Named{"recipe.train.adamw.beta2", set_beta2}}) {
    EXPECT_EQ(finding(beta.set, 0.99999997), "");
    EXPECT_EQ(finding(beta.set, std::nextafter(tie, 0.0)), "");
    EXPECT_THAT(finding(beta.set, tie), HasSubstr(beta.place));
    const std::string found = finding(beta.set, 0.99999999);
    EXPECT_THAT(found, HasSubstr(std::string(beta.place) + ": must be below 1 in binary32, is 0.99999999"));
    EXPECT_THAT(found, HasSubstr("rounds to 1"));
  }
}

TEST(RoundedNumber, ANumberAboveZeroThatRoundsToZeroIsRefused) {
  const double tie = 0x1p-150;  // halfway between 0 and the least binary32; 0 is the even one
  for (const Named& number :
       {Named{"recipe.train.adamw.epsilon", set_epsilon}, Named{"recipe.model.norm_eps", set_norm_eps},
        Named{"recipe.model.init_std", set_init_std}, Named{"recipe.train.learning_rate.peak", set_peak}}) {
    EXPECT_EQ(finding(number.set, std::nextafter(tie, 1.0)), "");
    EXPECT_THAT(finding(number.set, tie), HasSubstr(number.place));
    EXPECT_EQ(finding(number.set, 1e-50),
              std::string(number.place) + ": must be above 0 in binary32, is 1e-50, which rounds to 0");
  }
}

TEST(RoundedNumber, ANumberThatRoundsToInfinityIsRefused) {
  const double tie = 0x1.ffffffp127;  // half a step above the largest binary32
  for (const Named& number :
       {Named{"recipe.train.adamw.epsilon", set_epsilon}, Named{"recipe.model.norm_eps", set_norm_eps},
        Named{"recipe.model.init_std", set_init_std}, Named{"recipe.train.learning_rate.peak", set_peak},
        Named{"recipe.train.z_loss", set_z_loss}, Named{"recipe.train.adamw.weight_decay", set_weight_decay},
        Named{"recipe.train.adamw.group[0].weight_decay", set_decay_of_group}}) {
    EXPECT_EQ(finding(number.set, std::nextafter(tie, 0.0)), "");
    EXPECT_THAT(finding(number.set, tie), HasSubstr(number.place));
    EXPECT_EQ(finding(number.set, 1e39),
              std::string(number.place) + ": must be finite in binary32, is 1e+39, which rounds to infinity");
  }
}

TEST(RoundedNumber, AWeightThatMayBeZeroMayRoundToZero) {
  EXPECT_EQ(finding(set_z_loss, 1e-50), "");
  EXPECT_EQ(finding(set_weight_decay, 1e-50), "");
}

TEST(RoundedNumber, AScaleThatMakesTheLearningRateInfiniteIsRefused) {
  EXPECT_EQ(finding(set_scale, 1e41), "");
  EXPECT_EQ(
      finding(set_scale, 1e42),
      "recipe.train.adamw.group[0].learning_rate_scale: makes a learning rate that is infinite in binary32: 1e+42 "
      "times the peak 0.001");
}

TEST(RotaryPosition, ASequenceIsNoLongerThanItsAnglesAreExact) {
  EXPECT_EQ(finding(set_length, 131072), "");
  EXPECT_EQ(finding(set_length, 131073), "recipe.train.sequence_length: must be from 2 to 131072, is 131073");
}

TEST(RotaryPosition, ABaseThatTurnsBeyondTheExactAnglesIsRefused) {
  EXPECT_EQ(finding(set_rope_theta, 1e-2), "");
  EXPECT_EQ(finding(set_rope_theta, std::numeric_limits<double>::max()), "");
  EXPECT_THAT(finding(set_rope_theta, 1e-3), HasSubstr("recipe.model.rope_theta: must not turn a position by more"));
  EXPECT_THAT(finding(set_rope_theta, 1e-300), HasSubstr("which turns the last one by inf"));
}

TEST(Initialisation, IsCutWithinSixDeviations) {
  EXPECT_EQ(finding(set_init_cut, 6), "");
  EXPECT_EQ(finding(set_init_cut, std::nextafter(6.0, 7.0)),
            "recipe.model.init_cut: must be above 0 and at most 6, is 6.000000000000001");
}

}  // namespace
}  // namespace reprise::configs
