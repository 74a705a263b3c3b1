// [C-42]: tensors with a weight decay and a learning rate of their own.

#include "reprise/train/parameter_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

#include "reprise/core/error.h"
#include "slice_optimizer.h"

namespace reprise::train {
namespace {

using testing::HasSubstr;

TensorLayout small_layout() {
  return TensorLayout({{"embed.weight", {3}, false},
                       {"layers.0.norm.weight", {2}, true},
                       {"layers.0.up.weight", {4}, true},
                       {"layers.1.norm.weight", {2}, true},
                       {"layers.1.up.weight", {3}, true}});
}

configs::AdamW two_groups() {
  configs::AdamW recipe;
  configs::ParameterGroup& norms = *recipe.add_group();
  norms.add_tensor("*.norm.weight");
  norms.set_weight_decay(0);
  configs::ParameterGroup& slow = *recipe.add_group();
  slow.add_tensor("embed.weight");
  slow.add_tensor("layers.0.*");
  slow.set_weight_decay(0.3);
  slow.set_learning_rate_scale(0.25);
  return recipe;
}

/// As the sum of one grain with one target.
void give_gradient(std::vector<float>& gradient, SliceOptimizer& optimizer) {
  const dist::LeafRange grain{0, 1};
  float* const values = gradient.data();
  optimizer.reduce(1, {{&grain, 1}, {&values, 1}}, 1);
}

/// Three updates of every tensor, as tests/peers/make_parameter_group_vectors.py makes them.
std::vector<float> weights_after_three_updates(const configs::AdamW& recipe) {
  const TensorLayout layout = small_layout();
  const ChunkRange slice{0, layout.num_chunks()};
  ThreadPool threads(2);
  HostSliceOptimizer optimizer(recipe, layout, slice, threads);
  TrainingState state;
  state.slice = slice;
  const auto count = static_cast<std::size_t>(layout.num_elements());
  for (std::vector<float>* values : {&state.weights, &state.first_moments, &state.second_moments}) {
    values->assign(count, 0.0f);
  }
  size_digests(layout, state.digests);
  const double rates[] = {0.01, 0.02, 0.03};
  for (std::size_t step = 0; step <= 3; ++step) {
    std::vector<float> gradient(count, 0.0f);
    for (std::size_t k = 0; k < layout.entries().size(); ++k) {
      const TensorLayout::Entry& entry = layout.entries()[k];
      for (std::size_t i = 0; i < static_cast<std::size_t>(entry.spec.num_elements()); ++i) {
        const std::size_t at = static_cast<std::size_t>(entry.offset) + i;
        if (step == 0) state.weights[at] = static_cast<float>(static_cast<int>((i * 5 + k) % 9) - 4) / 8;
        gradient[at] = static_cast<float>(static_cast<int>((i * 7 + k * 3 + step * 5) % 11) - 5) / 16;
      }
    }
    if (step == 0) continue;
    give_gradient(gradient, optimizer);
    EXPECT_EQ(optimizer.update(1.0f, rates[step - 1], state), -1);
  }
  return state.weights;
}

// Known answers of torch.optim.AdamW with parameter groups, PyTorch 2.11 in binary64
// (tests/peers/make_parameter_group_vectors.py).
TEST(ParameterGroups, UpdateEveryTensorAsPyTorchsGroupsDo) {
  const std::vector<std::pair<std::string, std::vector<double>>> known = {
      {"embed.weight", {-0.5047080284134989, 0.13469578060201454, -0.37732138896690265}},
      {"layers.0.norm.weight", {-0.3910613762415611, 0.2456376356452757}},
      {"layers.0.up.weight", {-0.24364417591988394, 0.3736661413661951, -0.12122647280293751, 0.4873662398387229}},
      {"layers.1.norm.weight", {-0.1121264255682293, 0.45839185529789234}},
      {"layers.1.up.weight", {0.015740173576377286, -0.467777597571643, 0.09304464310949447}},
  };
  const std::vector<float> weights = weights_after_three_updates(two_groups());
  const TensorLayout layout = small_layout();
  for (const auto& [name, values] : known) {
    const auto offset = static_cast<std::size_t>(layout.find(name)->offset);
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_NEAR(static_cast<double>(weights[offset + i]), values[i], 2e-7) << name << " " << i;
    }
  }
}

TEST(ParameterGroups, GiveATensorToTheFirstGroupThatNamesIt) {
  const std::vector<TensorUpdate> updates = tensor_updates(two_groups(), small_layout());
  std::vector<int> groups;
  for (const TensorUpdate& update : updates) groups.push_back(update.group.value_or(-1));
  EXPECT_EQ(groups, (std::vector<int>{1, 0, 1, 0, -1}));
}

/// The weight 0 after one update with the gradient 1.
float first_update(const configs::AdamW& recipe, double rate) {
  const TensorLayout layout({{"w", {1}, true}});
  ThreadPool threads(1);
  HostSliceOptimizer optimizer(recipe, layout, {0, 1}, threads);
  TrainingState state;
  state.slice = {0, 1};
  state.weights.assign(kChunkElements, 0.0f);
  state.first_moments = state.second_moments = state.weights;
  size_digests(layout, state.digests);
  std::vector<float> gradient(kChunkElements, 0.0f);
  gradient[0] = 1.0f;
  give_gradient(gradient, optimizer);
  optimizer.update(1.0f, rate, state);
  return state.weights[0];
}

TEST(ParameterGroups, ScaleTheRateBeforeItIsRounded) {
  configs::AdamW scaled;
  scaled.add_group()->add_tensor(std::string("*"));
  scaled.mutable_group(0)->set_learning_rate_scale(3);
  constexpr double kRate = 0.3;
  const float rounded_first = 3 * static_cast<float>(kRate);
  ASSERT_NE(static_cast<float>(kRate * 3), rounded_first);
  EXPECT_EQ(first_update(scaled, kRate), first_update(configs::AdamW(), kRate * 3));
  EXPECT_NE(first_update(scaled, kRate), first_update(configs::AdamW(), static_cast<double>(rounded_first)));
}

TEST(ParameterGroups, LeaveTheOthersAsTheyWere) {
  const std::vector<float> with = weights_after_three_updates(two_groups());
  const std::vector<float> without = weights_after_three_updates(configs::AdamW());
  const auto offset = static_cast<std::size_t>(small_layout().find("layers.1.up.weight")->offset);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(with[offset + i], without[offset + i]);
}

TEST(ParameterGroups, WithoutAWeightDecayKeepThatOfTheRecipe) {
  configs::AdamW recipe;
  recipe.add_group()->add_tensor(std::string("*"));
  recipe.mutable_group(0)->set_learning_rate_scale(0.5);
  const std::vector<TensorUpdate> updates = tensor_updates(recipe, small_layout());
  EXPECT_EQ(updates[0].weight_decay, 0.0f);  // the embedding
  EXPECT_EQ(updates[1].weight_decay, 0.1f);
}

TEST(ParameterGroups, ReportEveryGlobThatNamesNoTensorWithTheNearestName) {
  configs::AdamW recipe = two_groups();
  recipe.mutable_group(0)->add_tensor("*.nrom.weight");
  recipe.mutable_group(1)->set_tensor(0, "embed.wieght");
  try {
    tensor_updates(recipe, small_layout());
    FAIL() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConfig);
    EXPECT_THAT(error.what(), HasSubstr("adamw.group[0].tensor[1] names no tensor of the model: '*.nrom.weight'"));
    EXPECT_THAT(error.what(), HasSubstr("adamw.group[1].tensor[0] names no tensor of the model: 'embed.wieght'"));
    EXPECT_THAT(error.hint(), HasSubstr("did you mean '*.norm.weight'?"));
    EXPECT_THAT(error.hint(), HasSubstr("did you mean 'embed.weight'?"));
  }
}

TEST(ParameterGroups, ListTheTensorsWhereAGlobIsNearNone) {
  configs::AdamW recipe;
  recipe.add_group()->add_tensor("zzz");
  try {
    tensor_updates(recipe, small_layout());
    FAIL() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.hint(), "the model's tensors are embed.weight, layers.*.norm.weight, layers.*.up.weight");
  }
}

}  // namespace
}  // namespace reprise::train
