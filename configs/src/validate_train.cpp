#include <algorithm>
#include <array>
#include <string>

#include "reprise/configs/batch_plan.h"
#include "reprise/configs/checkpoint_schedule.h"
#include "reprise/configs/suite_size.h"
#include "validate_rules.h"

namespace reprise::configs {
namespace {

// Every model has rotary positions, and their angles, the positions themselves among them, are exact up to 2^17.
constexpr std::uint32_t kLongestSequence = 1u << 17;
constexpr std::uint32_t kLargestBatch = 1u << 20;
// Replay from an anchor to any step must stay cheap, so that every step is a checkpoint.
constexpr std::uint32_t kLongestAnchorInterval = 25;
constexpr std::uint32_t kMostPerDoubling = 4;
// More files than a folder takes well; and a schedule is held in memory.
constexpr std::uint64_t kMostCheckpoints = 10'000'000;

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

constexpr std::array<const char*, 5> kShapes = {"cosine", "linear", "constant", "wsd", "inverse_sqrt"};
constexpr std::array<const char*, 3> kDecays = {"linear", "cosine", "one_minus_sqrt"};

template <typename Names>
bool is_one_of(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void learning_rate_shape_is_known(const RunConfig& config, Findings& findings) {
  const LearningRate& rate = config.recipe().train().learning_rate();
  findings.require(is_one_of(kShapes, rate.shape()), "recipe.train.learning_rate.shape",
                   fmt::format("unknown shape '{}'", rate.shape()),
                   "one of: cosine, linear, constant, wsd, inverse_sqrt");
  findings.require(is_one_of(kDecays, rate.decay()), "recipe.train.learning_rate.decay",
                   fmt::format("unknown curve '{}'", rate.decay()), "one of: linear, cosine, one_minus_sqrt");
}

void warmup_is_given_once(const RunConfig& config, Findings& findings) {
  const LearningRate& rate = config.recipe().train().learning_rate();
  // A resolved config has its defaults written out: 0 steps are none.
  findings.require(!rate.has_warmup_tokens() || rate.warmup_steps() == 0, "recipe.train.learning_rate.warmup_tokens",
                   "is given together with warmup_steps", "leave one of them out");
  const bool has_warmup = rate.warmup_steps() > 0 || rate.warmup_tokens() > 0;
  findings.require(rate.shape() != "inverse_sqrt" || has_warmup, "recipe.train.learning_rate.shape",
                   "inverse_sqrt needs a warm-up", "for example warmup_steps: 100");
}

/// Fields that another shape would not read must not stand there as if it did.
void shape_reads_what_is_given(const RunConfig& config, Findings& findings) {
  const TrainRecipe& train = config.recipe().train();
  const LearningRate& rate = train.learning_rate();
  const std::string place = "recipe.train.learning_rate.";
  const bool is_wsd = rate.shape() == "wsd";
  const bool has_end = is_wsd || rate.shape() == "cosine" || rate.shape() == "linear";
  const auto unread = [&](bool given, const char* name, const char* readers) {
    findings.require(!given, place + name, fmt::format("is not read by shape '{}'", rate.shape()),
                     fmt::format("leave it out, or set shape to {}", readers));
  };
  unread(rate.has_decay_steps() && !is_wsd, "decay_steps", "wsd");
  unread(rate.has_decay() && !is_wsd, "decay", "wsd");
  // Its default is written out in every resolved config, whatever the shape.
  const bool has_fraction = rate.final_fraction() != LearningRate::default_instance().final_fraction();
  unread(has_fraction && !has_end, "final_fraction", "cosine, linear or wsd");
  unread(rate.has_shape_steps() && !has_end, "shape_steps", "cosine, linear or wsd");
  const std::uint32_t own_steps = train.num_steps() - std::min(train.num_steps(), rate.start_step());
  const std::uint32_t length = rate.has_shape_steps() ? rate.shape_steps() : own_steps;
  findings.require(!is_wsd || (rate.decay_steps() >= 1 && rate.decay_steps() <= length), place + "decay_steps",
                   rate.has_decay_steps()
                       ? fmt::format("must be from 1 to the {} steps of the shape, is {}", length, rate.decay_steps())
                       : "is required by wsd",
                   "for example a tenth of num_steps");
}

void warmup_ends_before_the_shape(const RunConfig& config, Findings& findings) {
  const TrainRecipe& train = config.recipe().train();
  const LearningRate& rate = train.learning_rate();
  if (!rate.has_shape_steps()) return;
  const bool in_tokens = rate.has_warmup_tokens() && train.batch_sequences() > 0 && train.sequence_length() > 0;
  const std::uint64_t warmup =
      in_tokens ? BatchPlan(train).steps_of_tokens(rate.warmup_tokens(), rate.start_step()) : rate.warmup_steps();
  findings.require(rate.shape_steps() > warmup, "recipe.train.learning_rate.shape_steps",
                   fmt::format("must be above the {} steps of the warm-up, is {}", warmup, rate.shape_steps()),
                   "the shape begins behind the warm-up");
}

void checkpoint_steps_are_in_the_run(const RunConfig& config, Findings& findings) {
  const TrainRecipe& train = config.recipe().train();
  const CheckpointSchedule& schedule = train.checkpoints();
  const std::string place = "recipe.train.checkpoints.";
  check_range(findings, place + "per_doubling", schedule.per_doubling(), 0, kMostPerDoubling);
  for (int i = 0; i < schedule.step_size(); ++i) {
    check_range(findings, place + fmt::format("step[{}]", i), schedule.step(i), 0, train.num_steps());
  }
  findings.require(!schedule.has_interval_tokens() || schedule.interval_tokens() >= 1, place + "interval_tokens",
                   "must be at least 1, is 0", "leave it out for none");
}

void checkpoints_can_be_held(const RunConfig& config, Findings& findings) {
  const std::uint64_t most = most_checkpoint_steps(config.recipe().train());
  findings.require(most <= kMostCheckpoints, "recipe.train.checkpoints",
                   fmt::format("may be at most {}, come to {}", kMostCheckpoints, most),
                   "raise interval or interval_tokens, or lower num_steps");
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
  if (schedule.interval() == 0 || schedule.interval() > kLongestAnchorInterval) return;
  findings.require(
      schedule.anchor_interval() % schedule.interval() == 0, "recipe.train.checkpoints.anchor_interval",
      fmt::format("must be a multiple of interval {}, is {}", schedule.interval(), schedule.anchor_interval()),
      "anchors are checkpoints that hold the AdamW moments too");
}

/// The longest interval that a recipe may have of which `wanted` is a multiple.
std::uint32_t interval_dividing(std::uint32_t wanted) {
  std::uint32_t interval = kLongestAnchorInterval;
  while (wanted % interval != 0) --interval;
  return interval;
}

/// No anchor_interval fits a longer interval: then that is said alone.
void anchors_are_close(const RunConfig& config, Findings& findings) {
  const CheckpointSchedule& schedule = config.recipe().train().checkpoints();
  if (schedule.interval() > kLongestAnchorInterval) {
    findings.add("recipe.train.checkpoints.interval",
                 fmt::format("must be at most {}, is {}", kLongestAnchorInterval, schedule.interval()),
                 fmt::format("moments are stored at a multiple of it, so that any step can be computed again soon; "
                             "with {} here, and a multiple of it in anchor_interval, `reprise checkpoint prune RUN "
                             "--keep-every {}` leaves one in so many steps when the run has ended",
                             interval_dividing(schedule.interval()), schedule.interval()));
    return;
  }
  const std::uint32_t anchors = schedule.anchor_interval();
  findings.require(anchors >= 1 && anchors <= kLongestAnchorInterval, "recipe.train.checkpoints.anchor_interval",
                   fmt::format("must be from 1 to {}, is {}", kLongestAnchorInterval, anchors),
                   "anchors hold the AdamW moments, from which any step between them can be computed again soon; "
                   "runtime.checkpoint_storage.keep_moments takes those of older ones away");
}

void num_checkpoints_is_positive(const RunConfig& config, Findings& findings) {
  findings.require(config.recipe().eval().num_checkpoints() >= 1, "recipe.eval.num_checkpoints",
                   "must be at least 1, is 0", "the last checkpoint is always evaluated");
}

void pairs_per_phenomenon_is_in_range(const RunConfig& config, Findings& findings) {
  check_range(findings, "recipe.eval.pairs_per_phenomenon", config.recipe().eval().pairs_per_phenomenon(), 1,
              kMostPairsPerPhenomenon);
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
                           learning_rate_shape_is_known,
                           warmup_is_given_once,
                           shape_reads_what_is_given,
                           warmup_ends_before_the_shape,
                           checkpoint_steps_are_in_the_run,
                           checkpoints_can_be_held,
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
