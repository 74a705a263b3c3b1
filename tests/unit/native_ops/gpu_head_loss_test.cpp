// A GPU's head computes tokens by pieces: losses and gradients of all of them, whatever the pieces. LibTorch's CPU over
// the emulated GPU's memory.
#include <ATen/ops/arange.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include "emulated_device.h"
#include "emulated_torch.h"
#include "reprise/native_ops/gpu_operators.h"

namespace reprise::native_ops {
namespace {

constexpr std::int64_t kTokens = 600, kDim = 8, kVocab = 16;

struct Result {
  at::Tensor cross_entropy, z, dhidden, dweight, scores;
};

Result run(std::int64_t logits_at_once) {
  const auto device = emulation::make_emulated_device(numerics::WorkOrder::kLibTorch);
  NativeOptions options;
  options.logits_at_once = logits_at_once;
  const auto operators = make_gpu_operators(options, *device->native_kernels());
  const auto values = [](at::IntArrayRef sizes, double step) {
    return at::arange(c10::multiply_integers(sizes), at::kFloat).mul(step).sin().reshape(sizes);
  };
  at::Tensor hidden = values({1, kTokens, kDim}, 0.7);
  hidden.set_requires_grad(true);
  ops::Parameter weight{values({kVocab, kDim}, 1.3), {}};
  weight.operand = weight.weight.clone();
  weight.weight.set_requires_grad(true);
  weight.gradients = {at::zeros_like(weight.operand)};
  at::Tensor targets = at::arange(kTokens, at::kInt).remainder(kVocab).reshape({1, kTokens});
  targets.view({-1})[550].fill_(-1);
  const ops::HeadLoss loss = operators->head_loss(hidden, weight, targets, 0.01f);
  loss.root.backward();
  return {loss.cross_entropy, loss.z, hidden.grad(), weight.gradients[0],
          operators->head_loss_without_gradient(hidden, weight, targets).cross_entropy};
}

TEST(GpuHeadLoss, OfSeveralPiecesIsThatOfOne) {
  const emulation::TorchOnEmulatedGpu torch;
  const Result whole = run(NativeOptions().logits_at_once), pieces = run(512 * kVocab);  // 512 and 88 tokens
  EXPECT_TRUE(pieces.cross_entropy.allclose(whole.cross_entropy, 1e-5, 1e-6));
  EXPECT_TRUE(pieces.z.allclose(whole.z, 1e-5, 1e-6));
  EXPECT_TRUE(pieces.scores.allclose(whole.cross_entropy, 1e-5, 1e-6));
  EXPECT_TRUE(pieces.dhidden.allclose(whole.dhidden, 1e-5, 1e-6));
  EXPECT_TRUE(pieces.dweight.allclose(whole.dweight, 1e-4, 1e-4));
  EXPECT_FALSE(whole.dweight.allclose(at::zeros_like(whole.dweight), 0, 1.0)) << "there is a gradient to compare";
}

}  // namespace
}  // namespace reprise::native_ops
