#include "reprise/train/log_check.h"

#include <cmath>

#include "lineage.h"
#include "loss_tree.h"
#include "reprise/configs/batch_plan.h"
#include "reprise/configs/config.h"
#include "reprise/configs/profile.h"
#include "reprise/core/error.h"
#include "reprise/core/printable.h"
#include "reprise/model/schema.h"
#include "reprise/train/trainer.h"
#include "run_folder.h"
#include "slice_optimizer.h"
#include "spike_window.h"

namespace reprise::train {
namespace {

/// Throws unless what the file says is what follows.
template <typename Value>
void require_same(const std::string& what, const Value& found, const Value& expected) {
  if (found == expected) return;
  throw Error(ErrorKind::kCorrupt, fmt::format("{} is {}; by the recipe it is {}", what, found, expected));
}

void require_finite(const std::string& what, double value) {
  if (!std::isfinite(value)) throw Error(ErrorKind::kCorrupt, fmt::format("{} is {}", what, value));
}

RunIdentity identity_of(const configs::Recipe& recipe) {
  configs::RunConfig config;
  *config.mutable_recipe() = recipe;
  return identify(config);
}

}  // namespace

std::int64_t num_parameters(const configs::Recipe& recipe) {
  return model::parameter_layout(recipe.model(), recipe.tokenizer().vocab_size(),
                                 recipe.train().adamw().decay_embeddings())
      .num_parameters();
}

void check_log_header(const configs::Recipe& recipe, const logs::RunHeader& header) {
  const logs::RunHeader expected = run_header(identity_of(recipe), static_cast<std::uint64_t>(num_parameters(recipe)),
                                              recipe.train().batch_sequences() / configs::sequences_per_leaf(recipe));
  require_same("the run's name in run.log", printable(header.run_name), expected.run_name);
  require_same("the contract version in run.log", header.contract_version, expected.contract_version);
  require_same("the number of parameters in run.log", header.num_parameters, expected.num_parameters);
  require_same("the number of grains in run.log", header.num_grains, expected.num_grains);
  if (header.parent != expected.parent)
    throw Error(ErrorKind::kCorrupt, "run.log names another parent than the recipe");
  configs::parse_hashed_recipe(header.recipe_text, "run.log: recipe_text", header.recipe_hash);
}

struct StepCheck::State {
  explicit State(const configs::Recipe& of) : recipe(of), plan(recipe.train()) {}

  void check_place(const logs::StepRecord& record) const;
  void check_values(const logs::StepRecord& record) const;

  configs::Recipe recipe;
  configs::BatchPlan plan;
  checkpoints::Header header;
  SpikeWindow spikes;
};

/// What the step reads.
void StepCheck::State::check_place(const logs::StepRecord& record) const {
  const auto require = [&](const char* what, std::uint64_t found, std::uint64_t expected) {
    require_same(fmt::format("step {}: {}", record.step, what), found, expected);
  };
  const std::uint64_t sequences = plan.sequences(record.step);
  const std::uint64_t tokens = sequences * recipe.train().sequence_length();
  require("the number of sequences", record.num_samples, sequences);
  require("the first sequence", record.first_sample, header.next_sample);
  require("the number of targets", record.num_targets, tokens);
  require("the number of tokens seen", record.tokens_seen, header.tokens_seen + tokens);
  const std::uint64_t grains = sequences / configs::sequences_per_leaf(recipe);
  require("the number of grain losses", record.grain_losses.size(), grains);
  require("the number of grain z-losses", record.grain_z_losses.size(), grains);
}

/// What follows from the schedule, and from other values of the log.
void StepCheck::State::check_values(const logs::StepRecord& record) const {
  const configs::TrainRecipe& train = recipe.train();
  const auto name = [&](const char* what) { return fmt::format("step {}: {}", record.step, what); };
  const auto targets = static_cast<double>(record.num_targets);
  require_finite(name("the loss"), record.loss);
  require_finite(name("the z-loss"), record.z_loss);
  require_finite(name("the gradient norm"), record.gradient_norm);
  if (record.gradient_norm < 0) {
    throw Error(ErrorKind::kCorrupt, fmt::format("{} is {}", name("the gradient norm"), record.gradient_norm));
  }
  require_same(name("the mean of its grain losses"), record.loss, sum_by_tree(record.grain_losses) / targets);
  require_same(name("the mean of its grain z-losses"), record.z_loss,
               sum_by_tree(record.grain_z_losses) / targets * static_cast<double>(static_cast<float>(train.z_loss())));
  require_same(name("the clip factor"), record.clip_factor, clip_factor(record.gradient_norm, train.clip_norm()));
  require_same(name("the learning rate"), record.learning_rate, learning_rate(train, record.step));
  std::optional<logs::SkippedUpdate> skipped;
  if (train.has_spike_skipping()) {
    skipped = spikes.judge(train.spike_skipping(), {record.loss, record.gradient_norm});
  }
  if (record.skipped == skipped) return;
  throw Error(ErrorKind::kCorrupt, fmt::format("the update of step {} {}", record.step,
                                               !skipped         ? "was left out; the recipe does not leave it out"
                                               : record.skipped ? "was left out for other limits than the recipe's"
                                                                : "was made; the recipe leaves it out"));
}

StepCheck::StepCheck(const std::filesystem::path& run, const configs::Recipe& recipe)
    : state_(std::make_unique<State>(recipe)) {
  state_->header.seed = recipe.seed();
  state_->header.contract_version = recipe.contract_version();
  if (recipe.has_parent()) continue_header(parent_info(RunFolder(run), recipe), recipe, state_->header);
}

StepCheck::~StepCheck() = default;

void StepCheck::check(const logs::StepRecord& record) const {
  state_->check_place(record);
  state_->check_values(record);
}

void StepCheck::pass(const logs::StepRecord& record) {
  checkpoints::Header& header = state_->header;
  const configs::TrainRecipe& train = state_->recipe.train();
  const std::uint64_t sequences = state_->plan.sequences(++header.step);
  header.next_sample += sequences;
  header.tokens_seen += sequences * train.sequence_length();
  if (!record.skipped) advance_adam(train.adamw(), header);
  if (train.has_spike_skipping()) state_->spikes.add(train.spike_skipping(), {record.loss, record.gradient_norm});
}

const checkpoints::Header& StepCheck::header() const { return state_->header; }

}  // namespace reprise::train
