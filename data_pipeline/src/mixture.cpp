#include "reprise/data_pipeline/mixture.h"

#include <fmt/core.h>

#include <algorithm>

#include "interleaving.h"
#include "reprise/configs/batch_plan.h"
#include "reprise/configs/stages.h"
#include "reprise/core/error.h"
#include "stage_counts.h"

namespace reprise::data {

struct Mixture::State {
  std::vector<MixtureStage> stages;
  std::vector<Interleaving> interleavings;  // by stage
  std::vector<SampleOrder> orders;          // by group; those without a sequence are never asked
  std::vector<std::uint64_t> num_sequences;
  std::vector<std::uint64_t> num_draws;  // by group, over the run
};

namespace {

/// Samples by group, stage by stage. Without stages the run is one, and reads the one group of all documents.
std::vector<std::vector<std::uint64_t>> counts_of(const configs::Recipe& whole, const DataStart& start,
                                                  std::span<const std::uint64_t> num_sequences,
                                                  std::vector<std::string>& mistakes) {
  const configs::TrainRecipe& recipe = whole.train();
  const configs::BatchPlan plan(recipe);
  if (recipe.stage_size() == 0) {
    const std::uint64_t own =
        plan.first_sample(recipe.num_steps() + std::uint64_t{1}) - plan.first_sample(start.step + 1);
    return {{start.sample + own}};
  }
  const std::vector<std::uint64_t> lengths = configs::stage_steps(whole);
  std::vector<std::vector<std::uint64_t>> counts;
  // Stages of a run that begins its data anew are counted from there, all others from step 1.
  const std::uint64_t first = whole.parent().restart_data() ? start.step : 0;
  StepRange steps{first, first};
  for (int i = 0; i < recipe.stage_size(); ++i) {
    steps = {steps.end, steps.end + lengths[static_cast<std::size_t>(i)]};
    counts.push_back(stage_counts(recipe, i, plan, steps, num_sequences, mistakes));
  }
  return counts;
}

std::vector<MixtureStage> stages_of(const configs::TrainRecipe& recipe,
                                    const std::vector<std::vector<std::uint64_t>>& counts) {
  std::vector<MixtureStage> stages;
  std::vector<std::uint64_t> drawn(counts.front().size());
  std::uint64_t first_sample = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    MixtureStage stage;
    if (recipe.stage_size() > 0) stage.name = recipe.stage(static_cast<int>(i)).name();
    stage.first_sample = first_sample;
    for (std::size_t group = 0; group < drawn.size(); ++group) {
      stage.groups.push_back({counts[i][group], drawn[group]});
      stage.num_samples += counts[i][group];
      drawn[group] += counts[i][group];
    }
    first_sample += stage.num_samples;
    stages.push_back(std::move(stage));
  }
  return stages;
}

/// Whether a stage is to read a group that many times, whatever it holds.
bool is_asked_by_epochs(const configs::TrainRecipe& recipe, const std::string& group) {
  for (const configs::Stage& stage : recipe.stage()) {
    for (const configs::GroupShare& share : stage.share()) {
      if (share.group() == group && share.has_epochs()) return true;
    }
  }
  return false;
}

/// Says which groups are read though they hold nothing, or more often than they may be.
void check_groups(const configs::TrainRecipe& recipe, std::span<const std::uint64_t> num_sequences,
                  std::span<const std::uint64_t> num_draws, std::vector<std::string>& mistakes) {
  for (int i = 0; i < recipe.group_size(); ++i) {
    const configs::DocumentGroup& group = recipe.group(i);
    const auto index = static_cast<std::size_t>(i);
    if (num_sequences[index] == 0 && num_draws[index] == 0) {
      if (!is_asked_by_epochs(recipe, group.name())) continue;
      mistakes.push_back(fmt::format("group '{}' is to be read by epochs, but holds not one sequence of {} tokens",
                                     group.name(), recipe.sequence_length()));
    } else if (num_sequences[index] == 0) {
      mistakes.push_back(fmt::format("group '{}' is to give {} sequences, but holds not one of {} tokens", group.name(),
                                     num_draws[index], recipe.sequence_length()));
    } else if (num_draws[index] > rounded_product(group.max_epochs(), num_sequences[index])) {
      mistakes.push_back(fmt::format(
          "group '{}' would be read {:.2f} times ({} of {} sequences), and max_epochs is {}: give it less, or raise "
          "max_epochs",
          group.name(), static_cast<double>(num_draws[index]) / static_cast<double>(num_sequences[index]),
          num_draws[index], num_sequences[index], group.max_epochs()));
    }
  }
}

void refuse(const std::vector<std::string>& mistakes) {
  if (mistakes.empty()) return;
  std::string text = "the documents cannot fill the stages:";
  for (const std::string& mistake : mistakes) text += "\n  " + mistake;
  throw Error(ErrorKind::kData, text,
              "`reprise data mixture RUN` prints the sizes of groups; docs/reference/mixtures.md");
}

}  // namespace

Mixture::Mixture(const configs::Recipe& recipe, std::span<const std::uint64_t> num_sequences, DataStart start) {
  const configs::TrainRecipe& train = recipe.train();
  REPRISE_CHECK_EQ(num_sequences.size(), static_cast<std::size_t>(std::max(1, train.group_size())));
  State state;
  std::vector<std::string> mistakes;
  const std::vector<std::vector<std::uint64_t>> counts = counts_of(recipe, start, num_sequences, mistakes);
  if (mistakes.empty()) state.stages = stages_of(train, counts);
  state.num_sequences.assign(num_sequences.begin(), num_sequences.end());
  for (std::size_t group = 0; group < num_sequences.size(); ++group) {
    std::uint64_t draws = 0;
    for (const std::vector<std::uint64_t>& stage : counts) draws += stage[group];
    state.num_draws.push_back(draws);
  }
  check_groups(train, num_sequences, state.num_draws, mistakes);
  refuse(mistakes);
  for (const std::vector<std::uint64_t>& stage : counts) state.interleavings.emplace_back(stage);
  for (std::size_t group = 0; group < num_sequences.size(); ++group) {
    const bool unread = train.group_size() > 0 && num_sequences[group] == 0;
    state.orders.emplace_back(recipe.seed(), unread ? 1 : num_sequences[group], static_cast<std::uint32_t>(group));
  }
  state_ = std::make_unique<const State>(std::move(state));
}

Mixture::~Mixture() = default;
Mixture::Mixture(Mixture&&) noexcept = default;
Mixture& Mixture::operator=(Mixture&&) noexcept = default;

std::uint64_t Mixture::num_samples() const {
  return state_->stages.back().first_sample + state_->stages.back().num_samples;
}

const std::vector<MixtureStage>& Mixture::stages() const { return state_->stages; }

std::size_t Mixture::stage_of(std::uint64_t sample) const {
  REPRISE_CHECK(sample < num_samples());
  const auto after =
      std::upper_bound(state_->stages.begin(), state_->stages.end(), sample,
                       [](std::uint64_t s, const MixtureStage& stage) { return s < stage.first_sample; });
  return static_cast<std::size_t>(after - state_->stages.begin() - 1);
}

SamplePlace Mixture::place(std::uint64_t sample) const {
  SamplePlace place;
  place.stage = stage_of(sample);
  const MixtureStage& stage = state_->stages[place.stage];
  const Interleaving::Place slot = state_->interleavings[place.stage].at(sample - stage.first_sample);
  place.group = slot.part;
  const std::uint64_t draw = stage.groups[slot.part].first_draw + slot.rank;
  place.epoch = draw / state_->num_sequences[slot.part];
  place.sequence = state_->orders[slot.part].sequence_at(draw);
  return place;
}

std::vector<std::uint64_t> Mixture::samples_of(std::size_t group, std::uint64_t sequence) const {
  REPRISE_CHECK(sequence < state_->num_sequences.at(group));
  std::vector<std::uint64_t> samples;
  const std::uint64_t num_draws = state_->num_draws[group];
  std::size_t stage = 0;
  for (std::uint64_t epoch = 0; epoch * state_->num_sequences[group] < num_draws; ++epoch) {
    const std::uint64_t draw = state_->orders[group].sample_of(sequence, epoch);
    if (draw >= num_draws) continue;
    while (draw >= state_->stages[stage].groups[group].first_draw + state_->stages[stage].groups[group].num_samples) {
      ++stage;
    }
    const MixtureStage& at = state_->stages[stage];
    samples.push_back(at.first_sample +
                      state_->interleavings[stage].position(group, draw - at.groups[group].first_draw));
  }
  return samples;
}

}  // namespace reprise::data
