// The numbers of a recipe are binary64, and training rounds some of them to binary32 before it uses them. What the
// rule of such a field demands must hold for the rounded number too. A number that is wrong as it was written has its
// finding from that rule and gets none here.

#include <cmath>

#include "validate_rules.h"

namespace reprise::configs {
namespace {

constexpr double kLargestAngle = 0x1p17;  // [C-11]

bool is_infinite_in_binary32(double value) { return std::isfinite(value) && !std::isfinite(static_cast<float>(value)); }

void check_finite(Findings& findings, std::string_view place, double value, std::string_view hint) {
  findings.require(!is_infinite_in_binary32(value), place,
                   fmt::format("must be finite in binary32, is {}, which rounds to infinity", value), hint);
}

void check_above_zero(Findings& findings, std::string_view place, double value, std::string_view hint) {
  check_finite(findings, place, value, hint);
  findings.require(!(value > 0) || static_cast<float>(value) > 0, place,
                   fmt::format("must be above 0 in binary32, is {}, which rounds to 0", value), hint);
}

void check_below_one(Findings& findings, std::string_view place, double value) {
  findings.require(
      !(value < 1) || static_cast<float>(value) < 1, place,
      fmt::format("must be below 1 in binary32, is {}, which rounds to 1: nothing new would enter the mean", value),
      "0.99999997 is the largest of eight digits that does not");
}

void betas_round_below_one(const RunConfig& config, Findings& findings) {
  const AdamW& adamw = config.recipe().train().adamw();
  check_below_one(findings, "recipe.train.adamw.beta1", adamw.beta1());
  check_below_one(findings, "recipe.train.adamw.beta2", adamw.beta2());
}

/// A divisor that rounds to 0 makes NaN of a gradient, or of a row, of zeros.
void epsilons_round_above_zero(const RunConfig& config, Findings& findings) {
  const Recipe& recipe = config.recipe();
  check_above_zero(findings, "recipe.train.adamw.epsilon", recipe.train().adamw().epsilon(), "the default is 1e-8");
  check_above_zero(findings, "recipe.model.norm_eps", recipe.model().norm_eps(), "the default is 1e-6");
}

void init_std_rounds_above_zero(const RunConfig& config, Findings& findings) {
  check_above_zero(findings, "recipe.model.init_std", config.recipe().model().init_std(), "the default is 0.02");
}

void learning_rates_are_finite(const RunConfig& config, Findings& findings) {
  const TrainRecipe& train = config.recipe().train();
  const double peak = train.learning_rate().peak();
  check_above_zero(findings, "recipe.train.learning_rate.peak", peak, "for example peak: 1e-3");
  if (is_infinite_in_binary32(peak)) return;
  for (int i = 0; i < train.adamw().group_size(); ++i) {
    const double scale = train.adamw().group(i).learning_rate_scale();
    const bool is_finite =
        !std::isfinite(peak) || !std::isfinite(scale) || std::isfinite(static_cast<float>(peak * scale));
    findings.require(
        is_finite, fmt::format("recipe.train.adamw.group[{}].learning_rate_scale", i),
        fmt::format("makes a learning rate that is infinite in binary32: {} times the peak {}", scale, peak),
        "the default is 1");
  }
}

void weights_of_terms_are_finite(const RunConfig& config, Findings& findings) {
  const TrainRecipe& train = config.recipe().train();
  check_finite(findings, "recipe.train.z_loss", train.z_loss(), "the default is 1e-5");
  check_finite(findings, "recipe.train.adamw.weight_decay", train.adamw().weight_decay(), "the default is 0.1");
  for (int i = 0; i < train.adamw().group_size(); ++i) {
    check_finite(findings, fmt::format("recipe.train.adamw.group[{}].weight_decay", i),
                 train.adamw().group(i).weight_decay(), "0 switches it off");
  }
}

/// A base below 1 turns later pairs faster, up to angles that have no exact sine and cosine.
void rotary_angles_are_in_range(const RunConfig& config, Findings& findings) {
  const ModelRecipe& model = config.recipe().model();
  const std::uint32_t length = config.recipe().train().sequence_length();
  if (!(model.rope_theta() > 0 && model.rope_theta() < 1) || model.num_heads() == 0 || length < 2) return;
  const std::uint32_t head_size = model.hidden_size() / model.num_heads();
  if (head_size < 2) return;
  const double exponent = static_cast<double>(head_size - 2) / static_cast<double>(head_size);
  const auto frequency = static_cast<float>(1.0 / std::pow(model.rope_theta(), exponent));
  const double angle = static_cast<double>(static_cast<float>(length - 1) * frequency);
  findings.require(angle <= kLargestAngle, "recipe.model.rope_theta",
                   fmt::format("must not turn a position by more than {}, is {}, which turns the last one by {}",
                               kLargestAngle, model.rope_theta(), angle),
                   "the default is 500000");
}

constexpr Rule kRules[] = {betas_round_below_one,     epsilons_round_above_zero,   init_std_rounds_above_zero,
                           learning_rates_are_finite, weights_of_terms_are_finite, rotary_angles_are_in_range};

}  // namespace

std::span<const Rule> binary32_rules() { return kRules; }

}  // namespace reprise::configs
