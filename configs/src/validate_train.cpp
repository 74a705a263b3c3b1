#include "validate_rules.h"

namespace reprise::configs {
namespace {

constexpr std::uint32_t kLongestSequence = 1u << 20;
constexpr std::uint32_t kLargestBatch = 1u << 20;
// Replay from an anchor to any step must stay cheap, so that every step is a checkpoint.
constexpr std::uint32_t kLongestAnchorInterval = 25;
constexpr std::uint32_t kMostPairs = 100000;

void check_range(Findings& findings, std::string_view place, std::uint64_t value, std::uint64_t low,
                 std::uint64_t high) {
  findings.require(value >= low && value <= high, place, fmt::format("must be from {} to {}, is {}", low, high, value),
                   "see `reprise config docs`");
}

void check_above_zero(Findings& findings, std::string_view place, double value, std::string_view hint) {
  findings.require(value > 0, place, fmt::format("must be above 0, is {}", value), hint);
}

void sequence_length_is_in_range(const RunConfig& config, Findings& findings) {
  check_range(findings, "recipe.train.sequence_length", config.recipe().train().sequence_length(), 2, kLongestSequence);
}

void batch_sequences_is_in_range(const RunConfig& config, Findings& findings) {
  check_range(findings, "recipe.train.batch_sequences", config.recipe().train().batch_sequences(), 1, kLargestBatch);
}

void grain_sequences_is_positive(const RunConfig& config, Findings& findings) {
  findings.require(config.recipe().train().grain_sequences() >= 1, "recipe.train.grain_sequences",
                   "must be at least 1, is 0", "for example grain_sequences: 2");
}

void grain_divides_batch(const RunConfig& config, Findings& findings) {
  const TrainRecipe& train = config.recipe().train();
  if (train.grain_sequences() == 0) return;
  findings.require(
      train.batch_sequences() % train.grain_sequences() == 0, "recipe.train.grain_sequences",
      fmt::format("must divide batch_sequences {}, is {}", train.batch_sequences(), train.grain_sequences()),
      "a batch is a whole number of grains");
}

void num_steps_is_given(const RunConfig& config, Findings& findings) {
  const TrainRecipe& train = config.recipe().train();
  findings.require(train.num_steps() > 0, "recipe.train.num_steps",
                   train.has_num_steps() ? "must be above 0, is 0" : "is required", "for example num_steps: 600");
}

void peak_is_given(const RunConfig& config, Findings& findings) {
  const LearningRate& rate = config.recipe().train().learning_rate();
  findings.require(rate.peak() > 0, "recipe.train.learning_rate.peak",
                   rate.has_peak() ? fmt::format("must be above 0, is {}", rate.peak()) : "is required",
                   "for example peak: 1e-3");
}

void final_fraction_is_in_range(const RunConfig& config, Findings& findings) {
  const double fraction = config.recipe().train().learning_rate().final_fraction();
  findings.require(fraction >= 0 && fraction <= 1, "recipe.train.learning_rate.final_fraction",
                   fmt::format("must be from 0 to 1, is {}", fraction), "the default is 0.1");
}

void beta1_is_in_range(const RunConfig& config, Findings& findings) {
  const double beta = config.recipe().train().adamw().beta1();
  findings.require(beta >= 0 && beta < 1, "recipe.train.adamw.beta1",
                   fmt::format("must be at least 0 and below 1, is {}", beta), "the default is 0.9");
}

void beta2_is_in_range(const RunConfig& config, Findings& findings) {
  const double beta = config.recipe().train().adamw().beta2();
  findings.require(beta >= 0 && beta < 1, "recipe.train.adamw.beta2",
                   fmt::format("must be at least 0 and below 1, is {}", beta), "the default is 0.95");
}

void epsilon_is_positive(const RunConfig& config, Findings& findings) {
  check_above_zero(findings, "recipe.train.adamw.epsilon", config.recipe().train().adamw().epsilon(),
                   "the default is 1e-8");
}

void weight_decay_is_not_negative(const RunConfig& config, Findings& findings) {
  const double decay = config.recipe().train().adamw().weight_decay();
  findings.require(decay >= 0, "recipe.train.adamw.weight_decay", fmt::format("must not be negative, is {}", decay),
                   "the default is 0.1");
}

void clip_norm_is_positive(const RunConfig& config, Findings& findings) {
  check_above_zero(findings, "recipe.train.clip_norm", config.recipe().train().clip_norm(), "the default is 1.0");
}

void z_loss_is_not_negative(const RunConfig& config, Findings& findings) {
  const double weight = config.recipe().train().z_loss();
  findings.require(weight >= 0, "recipe.train.z_loss", fmt::format("must not be negative, is {}", weight),
                   "the default is 1e-5; 0 switches it off");
}

void interval_is_positive(const RunConfig& config, Findings& findings) {
  findings.require(config.recipe().train().checkpoints().interval() >= 1, "recipe.train.checkpoints.interval",
                   "must be at least 1, is 0", "the default is 4");
}

void anchors_are_checkpoints(const RunConfig& config, Findings& findings) {
  const CheckpointSchedule& schedule = config.recipe().train().checkpoints();
  if (schedule.interval() == 0) return;
  findings.require(
      schedule.anchor_interval() % schedule.interval() == 0, "recipe.train.checkpoints.anchor_interval",
      fmt::format("must be a multiple of interval {}, is {}", schedule.interval(), schedule.anchor_interval()),
      "anchors are checkpoints that hold the AdamW moments too");
}

void anchors_are_close(const RunConfig& config, Findings& findings) {
  check_range(findings, "recipe.train.checkpoints.anchor_interval",
              config.recipe().train().checkpoints().anchor_interval(), 1, kLongestAnchorInterval);
}

void num_checkpoints_is_positive(const RunConfig& config, Findings& findings) {
  findings.require(config.recipe().eval().num_checkpoints() >= 1, "recipe.eval.num_checkpoints",
                   "must be at least 1, is 0", "the last checkpoint is always evaluated");
}

void pairs_per_phenomenon_is_in_range(const RunConfig& config, Findings& findings) {
  check_range(findings, "recipe.eval.pairs_per_phenomenon", config.recipe().eval().pairs_per_phenomenon(), 1,
              kMostPairs);
}

void suite_hash_is_sha256(const RunConfig& config, Findings& findings) {
  const std::string& hash = config.recipe().eval().suite_sha256();
  findings.require(hash.empty() || is_sha256(hash), "recipe.eval.suite_sha256",
                   fmt::format("is not 64 lower-case hexadecimal digits: '{}'", hash), "leave it empty to accept any");
}

constexpr Rule kRules[] = {sequence_length_is_in_range,
                           batch_sequences_is_in_range,
                           grain_sequences_is_positive,
                           grain_divides_batch,
                           num_steps_is_given,
                           peak_is_given,
                           final_fraction_is_in_range,
                           beta1_is_in_range,
                           beta2_is_in_range,
                           epsilon_is_positive,
                           weight_decay_is_not_negative,
                           clip_norm_is_positive,
                           z_loss_is_not_negative,
                           interval_is_positive,
                           anchors_are_checkpoints,
                           anchors_are_close,
                           num_checkpoints_is_positive,
                           pairs_per_phenomenon_is_in_range,
                           suite_hash_is_sha256};

}  // namespace

std::span<const Rule> train_rules() { return kRules; }

}  // namespace reprise::configs
