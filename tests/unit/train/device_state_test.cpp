// The optimizer of a slice on a GPU has the bits of the CPU's, and its state comes to the host when somebody looks.

#include <gmock/gmock.h>

#include <cstdint>
#include <limits>
#include <string>

#include "device_slice_optimizer.h"
#include "emulated_device.h"
#include "reprise/core/error.h"
#include "reprise/numerics/device.h"

namespace reprise::train {
namespace {

using testing::Each;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Chunks 0 to 2, 3, 4 and 5: whole ones, parts of one, and a tensor that slices cut in two.
TensorLayout four_tensors() {
  return TensorLayout({{"embed.weight", {3, 3000}, false},
                       {"norm.weight", {7}, true},
                       {"up.weight", {64, 64}, true},
                       {"head.weight", {33, 100}, true}});
}

configs::AdamW two_groups() {
  configs::AdamW recipe;
  configs::ParameterGroup& norms = *recipe.add_group();
  norms.add_tensor("norm.*");
  norms.set_weight_decay(0);
  norms.set_learning_rate_scale(0.25);
  return recipe;
}

/// Values between -1 and 1 in the elements that count; padding is zero.
std::vector<float> values_of(const TensorLayout& layout, ChunkRange chunks, std::uint64_t seed, bool positive = false) {
  std::vector<float> values(static_cast<std::size_t>(chunks.size() * kChunkElements), 0.0f);
  std::uint64_t x = seed;
  for (std::int64_t chunk = chunks.begin; chunk < chunks.end; ++chunk) {
    for (std::int64_t i = 0; i < layout.elements_in_chunk(chunk); ++i) {
      x = x * 6364136223846793005u + 1442695040888963407u;
      const float value = static_cast<float>(static_cast<std::int64_t>(x) >> 40) * 0x1p-23f;
      values[static_cast<std::size_t>((chunk - chunks.begin) * kChunkElements + i)] = positive ? value * value : value;
    }
  }
  return values;
}

class SliceOnADevice : public testing::Test {
 protected:
  TrainingState state_of(ChunkRange slice) const {
    TrainingState state;
    state.slice = slice;
    state.header.beta1_power = state.header.beta2_power = 1.0;
    state.weights = values_of(layout_, {0, layout_.num_chunks()}, 1);
    state.first_moments = values_of(layout_, slice, 2);
    state.second_moments = values_of(layout_, slice, 3, true);
    size_digests(layout_, state.digests);
    return state;
  }

  /// Two steps of an optimizer whose gradients are sums of three ranks' grains, in the host's memory.
  template <typename Optimizer>
  std::vector<std::int64_t> take_steps(Optimizer& optimizer, TrainingState& state, std::vector<float>& sums_of_squares,
                                       float clip) const {
    std::vector<std::int64_t> first_bad;
    const std::vector<dist::LeafRange> nodes = {{0, 2}, {2, 3}};
    for (std::uint64_t step = 0; step < 2; ++step) {
      std::vector<float> left = values_of(layout_, state.slice, 10 + step),
                         right = values_of(layout_, state.slice, 20 + step);
      float* const partials[] = {left.data(), right.data()};
      sums_of_squares = optimizer.reduce(3, {nodes, partials}, 17);
      const std::span<const float> gradient = optimizer.gradient();
      seen_gradient_.assign(gradient.begin(), gradient.end());
      first_bad.push_back(optimizer.update(clip, 0.01, state));
    }
    return first_bad;
  }

  TensorLayout layout_ = four_tensors();
  std::unique_ptr<numerics::Device> device_ = emulation::make_emulated_device();
  ThreadPool threads_{2};
  mutable std::vector<float> seen_gradient_;
};

void expect_same(const TrainingState& a, const TrainingState& b, ChunkRange slice) {
  const auto mine = [&](const std::vector<float>& all) {
    return std::vector<float>(all.begin() + slice.begin * kChunkElements, all.begin() + slice.end * kChunkElements);
  };
  EXPECT_EQ(mine(a.weights), mine(b.weights));
  EXPECT_EQ(a.first_moments, b.first_moments);
  EXPECT_EQ(a.second_moments, b.second_moments);
  EXPECT_EQ(a.digests.weights, b.digests.weights);
  EXPECT_EQ(a.digests.first_moments, b.digests.first_moments);
  EXPECT_EQ(a.digests.second_moments, b.digests.second_moments);
  EXPECT_EQ(a.header.beta1_power, b.header.beta1_power);
  EXPECT_EQ(a.header.adam_step, b.header.adam_step);
}

TEST_F(SliceOnADevice, HasTheBitsOfTheCpuWhereverTheSliceIsCut) {
  for (const ChunkRange slice : {ChunkRange{0, 2}, ChunkRange{2, 4}, ChunkRange{3, 6}, ChunkRange{2, 2}}) {
    TrainingState on_cpu = state_of(slice), on_host = state_of(slice);
    std::vector<float> sums, sums_on_device;
    HostSliceOptimizer host(two_groups(), layout_, slice, threads_);
    const std::vector<std::int64_t> bad = take_steps(host, on_cpu, sums, 0.5f);
    const std::vector<float> gradient = seen_gradient_;
    DeviceState on_device(*device_, layout_, slice, true);
    DeviceSliceOptimizer optimizer(two_groups(), layout_, on_device, threads_);
    EXPECT_THAT(take_steps(optimizer, on_host, sums_on_device, 0.5f), Each(-1));
    EXPECT_THAT(bad, Each(-1));
    EXPECT_EQ(sums, sums_on_device);
    EXPECT_EQ(gradient, seen_gradient_);
    on_device.host_has_all_weights();  // as the exchange of a step brings them
    on_device.store(on_host);
    expect_same(on_cpu, on_host, slice);
  }
}

TEST_F(SliceOnADevice, NamesTheFirstChunkThatIsNotFinite) {
  const ChunkRange slice{1, 6};
  for (const std::int64_t bad_chunk : {2, 3, 5}) {
    TrainingState state = state_of(slice);
    const std::int64_t at = (bad_chunk - slice.begin) * kChunkElements + layout_.elements_in_chunk(bad_chunk) - 1;
    state.second_moments[static_cast<std::size_t>(at)] = kNaN;
    DeviceState on_device(*device_, layout_, slice, true);
    DeviceSliceOptimizer optimizer(two_groups(), layout_, on_device, threads_);
    std::vector<float> sums;
    EXPECT_THAT(take_steps(optimizer, state, sums, 1.0f), Each(bad_chunk));
  }
}

TEST_F(SliceOnADevice, TakesTheSumOfOneRankWhereItLies) {
  const ChunkRange whole{0, layout_.num_chunks()};
  TrainingState on_cpu = state_of(whole), on_host = state_of(whole);
  std::vector<float> gradient = values_of(layout_, whole, 5);
  numerics::DeviceMemory memory(*device_);
  float* const on_device_gradient = memory.copy_of(gradient);
  const dist::LeafRange grain{0, 1};
  HostSliceOptimizer host(two_groups(), layout_, whole, threads_);
  float* const host_sum = gradient.data();
  const std::vector<float> sums = host.reduce(1, {{&grain, 1}, {&host_sum, 1}}, 3);
  host.update(1.0f, 0.01, on_cpu);
  DeviceState on_device(*device_, layout_, whole, false);
  DeviceSliceOptimizer optimizer(two_groups(), layout_, on_device, threads_);
  EXPECT_EQ(optimizer.reduce(1, {{&grain, 1}, {&on_device_gradient, 1}, true}, 3), sums);
  optimizer.update(1.0f, 0.01, on_host);
  on_device.store(on_host);
  expect_same(on_cpu, on_host, whole);
}

TEST_F(SliceOnADevice, DigestsTheStateThatTheHostHasChanged) {
  const ChunkRange whole{0, layout_.num_chunks()};
  TrainingState state = state_of(whole);
  DeviceState on_device(*device_, layout_, whole, false);
  DeviceSliceOptimizer optimizer(two_groups(), layout_, on_device, threads_);
  optimizer.digest(state);
  EXPECT_EQ(state.digests.weights, chunk_digests(layout_, whole, state.weights));
  on_device.host_changes();
  state.weights[4] = 3.0f;
  state.first_moments[5] = 4.0f;
  optimizer.digest(state);
  EXPECT_EQ(state.digests.weights, chunk_digests(layout_, whole, state.weights));
  EXPECT_EQ(state.digests.first_moments, chunk_digests(layout_, whole, state.first_moments));
  EXPECT_EQ(state.digests.second_moments, chunk_digests(layout_, whole, state.second_moments));
}

TEST_F(SliceOnADevice, LeavesTheHostAloneUntilSomebodyLooks) {
  const ChunkRange whole{0, layout_.num_chunks()};
  TrainingState state = state_of(whole);
  const TrainingState before = state;
  DeviceState on_device(*device_, layout_, whole, false);
  DeviceSliceOptimizer optimizer(two_groups(), layout_, on_device, threads_);
  numerics::DeviceMemory memory(*device_);
  float* const gradient = memory.copy_of(values_of(layout_, whole, 5));
  const dist::LeafRange grain{0, 1};
  optimizer.reduce(1, {{&grain, 1}, {&gradient, 1}, true}, 3);
  optimizer.update(1.0f, 0.01, state);
  EXPECT_EQ(state.weights, before.weights);
  EXPECT_EQ(state.first_moments, before.first_moments);
  on_device.store(state);
  EXPECT_NE(state.weights, before.weights);
  EXPECT_NE(state.first_moments, before.first_moments);
  EXPECT_EQ(state.digests.weights, chunk_digests(layout_, whole, state.weights));
}

}  // namespace
}  // namespace reprise::train
