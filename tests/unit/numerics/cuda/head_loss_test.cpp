// [C-15] on a GPU.

#include "head_loss.h"

#include <cmath>

#include "two_devices.h"

namespace reprise::numerics {
namespace {

using Index = std::int64_t;
using Targets = std::vector<std::int32_t>;

Targets some_targets(Index num_tokens, Index vocab) {
  Targets targets;
  for (Index t = 0; t < num_tokens; ++t) {
    targets.push_back(t % 5 == 3 ? -1 : static_cast<std::int32_t>(t * 7919 % vocab));
  }
  return targets;
}

/// All four results; of the forward alone the first two.
Compute losses(Index num_tokens, Index dim, Index vocab, const Targets& targets, bool gradient) {
  return [=](Device& device, DeviceMemory& memory) {
    const float* const h = memory.copy_of(random_values(num_tokens * dim, 1, true));
    std::vector<float> weights = random_values(vocab * dim, 2);
    for (float& x : weights) x *= 1e-2f;  // times values of 1e4
    const float* const weight = memory.copy_of(weights);
    const std::int32_t* const on_device = memory.copy_of(targets);
    float* const cross_entropy = memory.output(num_tokens);
    float* const z = memory.output(num_tokens);
    float* const dh = memory.output(num_tokens * dim);
    float* const dweight = memory.output(vocab * dim);
    if (gradient) {
      device.head_loss_forward_backward(num_tokens, dim, vocab, h, weight, on_device, 1e-2f, cross_entropy, z, dh,
                                        dweight);
    } else {
      device.head_loss_forward(num_tokens, dim, vocab, h, weight, on_device, cross_entropy, z);
    }
    std::vector<float> all = memory.values(cross_entropy, num_tokens);
    append(all, memory.values(z, num_tokens));
    append(all, memory.values(dh, num_tokens * dim));
    append(all, memory.values(dweight, vocab * dim));
    return all;
  };
}

TEST(CudaHeadLoss, LossesAndGradientsAreThoseOfTheCpu) {
  // Vocabularies around lanes, threads and the pieces of 4096 that wait for their addition.
  const Index shapes[][3] = {{1, 1, 1},   {3, 5, 2},    {4, 8, 31},   {5, 16, 32},  {6, 7, 33},
                             {9, 4, 257}, {4, 3, 1023}, {3, 4, 1025}, {2, 4, 4096}, {3, 5, 8200}};
  for (const auto& [num_tokens, dim, vocab] : shapes) {
    SCOPED_TRACE(testing::Message() << num_tokens << " x " << dim << " x " << vocab);
    for (const bool gradient : {false, true}) {
      expect_same_bits(losses(num_tokens, dim, vocab, some_targets(num_tokens, vocab), gradient));
    }
  }
}

TEST(CudaHeadLoss, TokensWithoutTargetHaveNoLossAndNoGradient) {
  expect_same_bits(losses(6, 4, 9, Targets(6, -1), true));
  expect_same_bits(losses(6, 4, 9, Targets(6, -1), false));
  expect_same_bits(losses(6, 4, 9, {8, -1, 0, -100, -1, 3}, true));
}

TEST(CudaHeadLoss, NoTokensGiveAZeroGradient) { expect_same_bits(losses(0, 4, 9, {}, true)); }

TEST(CudaHeadLoss, ChunksOfTokensContinueTheSumsOfTheWeights) {
  const Index num_tokens = 300, dim = 3, vocab = 20;
  const Targets targets = some_targets(num_tokens, vocab);
  expect_same_bits([&](Device& device, DeviceMemory& memory) {
    const float* const h = memory.copy_of(random_values(num_tokens * dim, 1));
    const float* const weight = memory.copy_of(random_values(vocab * dim, 2));
    const cuda::HeadLoss head{num_tokens,
                              dim,
                              vocab,
                              h,
                              weight,
                              memory.copy_of(targets),
                              1e-4f,
                              memory.output(num_tokens),
                              memory.output(num_tokens),
                              memory.output(num_tokens * dim),
                              memory.output(vocab * dim)};
    if (device.kind() == "cpu") {
      device.head_loss_forward_backward(num_tokens, dim, vocab, h, weight, head.targets, head.z_weight,
                                        head.cross_entropy, head.z, head.dh, head.dweight);
    } else {
      cuda::Queue queue(0);
      cuda::head_loss(queue, 4, head, 256 * 24);
    }
    std::vector<float> all = memory.values(head.cross_entropy, num_tokens);
    append(all, memory.values(head.z, num_tokens));
    append(all, memory.values(head.dh, num_tokens * dim));
    append(all, memory.values(head.dweight, vocab * dim));
    return all;
  });
}

TEST(CudaHeadLoss, ATargetBehindTheVocabularyGivesNans) {
  const std::unique_ptr<Device> device = emulation::make_emulated_device();
  const std::vector<float> all = computed_on(*device, losses(2, 2, 3, {1, 3}, true));
  EXPECT_TRUE(std::isfinite(all[0]));
  EXPECT_TRUE(std::isnan(all[1]));
  EXPECT_TRUE(std::isfinite(all[4]));
  EXPECT_TRUE(std::isnan(all[6]));
}

}  // namespace
}  // namespace reprise::numerics
