// Clause [C-15]: LM head, cross-entropy and z-loss.
#include <cmath>

#include "kernel_test.h"
#include "reference/reference.h"
#include "reprise/core/error.h"
#include "reprise/numerics/kernels.h"

namespace reprise::numerics {
namespace {

using kernel_test::expect_gradient;
using kernel_test::expect_same_bits;
using kernel_test::Floats;
using kernel_test::for_each_target;
using kernel_test::random_floats;
using kernel_test::to_be_overwritten;
using Index = std::int64_t;
using Targets = std::vector<std::int32_t>;

Targets some_targets(Index tokens, Index vocab) {
  Targets targets;
  for (Index t = 0; t < tokens; ++t) {
    targets.push_back(t % 5 == 3 ? -1 : static_cast<std::int32_t>(t * 7919 % vocab));
  }
  return targets;
}

reference::Head run(Index tokens, Index dim, Index vocab, const Floats& h, const Floats& weight, const Targets& targets,
                    float z_weight) {
  reference::Head r{to_be_overwritten(targets.size()), to_be_overwritten(targets.size()), to_be_overwritten(h.size()),
                    to_be_overwritten(weight.size())};
  head_loss_forward_backward(tokens, dim, vocab, h.data(), weight.data(), targets.data(), z_weight,
                             r.cross_entropy.data(), r.z.data(), r.dh.data(), r.dweight.data());
  return r;
}

TEST(HeadLoss, EqualsTheReferenceBitForBit) {
  // Vocabularies around lanes and segments; tokens around the chunk of 256.
  const Index shapes[][3] = {{1, 1, 1}, {3, 5, 2}, {4, 8, 31}, {7, 16, 33}, {20, 12, 300}, {257, 3, 40}, {600, 4, 17}};
  for (const auto& [tokens, dim, vocab] : shapes) {
    SCOPED_TRACE(testing::Message() << tokens << " x " << dim << " x " << vocab);
    const Floats h = random_floats(1, tokens * dim, 2.0f), weight = random_floats(2, vocab * dim);
    const Targets targets = some_targets(tokens, vocab);
    const reference::Head expected = reference::head_loss(tokens, dim, vocab, h, weight, targets, 1e-4f);
    for_each_target([&, tokens = tokens, dim = dim, vocab = vocab] {
      const reference::Head actual = run(tokens, dim, vocab, h, weight, targets, 1e-4f);
      expect_same_bits(actual.cross_entropy, expected.cross_entropy, "cross_entropy");
      expect_same_bits(actual.z, expected.z, "z");
      expect_same_bits(actual.dh, expected.dh, "dh");
      expect_same_bits(actual.dweight, expected.dweight, "dweight");
    });
  }
}

TEST(HeadLoss, ForwardAloneGivesTheSameLosses) {
  const Index tokens = 300, dim = 8, vocab = 50;
  const Floats h = random_floats(3, tokens * dim), weight = random_floats(4, vocab * dim);
  const Targets targets = some_targets(tokens, vocab);
  for_each_target([&] {
    const reference::Head both = run(tokens, dim, vocab, h, weight, targets, 1e-4f);
    Floats cross_entropy(targets.size()), z(targets.size());
    head_loss_forward(tokens, dim, vocab, h.data(), weight.data(), targets.data(), cross_entropy.data(), z.data());
    expect_same_bits(cross_entropy, both.cross_entropy, "cross_entropy");
    expect_same_bits(z, both.z, "z");
  });
}

TEST(HeadLoss, ATokenWithoutTargetHasNoLossAndNoGradient) {
  const Index tokens = 6, dim = 4, vocab = 9;
  const Floats h = random_floats(5, tokens * dim), weight = random_floats(6, vocab * dim);
  const Targets none(6, -1);
  for_each_target([&] {
    const reference::Head r = run(tokens, dim, vocab, h, weight, none, 1e-4f);
    expect_same_bits(r.cross_entropy, Floats(6, 0.0f), "cross_entropy");
    expect_same_bits(r.z, Floats(6, 0.0f), "z");
    expect_same_bits(r.dh, Floats(h.size(), 0.0f), "dh");
    expect_same_bits(r.dweight, Floats(weight.size(), 0.0f), "dweight");
  });
}

TEST(HeadLoss, NoTokensGiveAZeroGradient) {
  Floats dweight = to_be_overwritten(12);
  head_loss_forward_backward(0, 4, 3, nullptr, dweight.data(), nullptr, 0.0f, nullptr, nullptr, dweight.data(),
                             dweight.data());
  expect_same_bits(dweight, Floats(12, 0.0f), "dweight");
}

TEST(HeadLoss, ATargetBeyondTheVocabularyIsAnError) {
  const Floats h(4, 1.0f), weight(12, 1.0f);
  EXPECT_THROW(run(1, 4, 3, h, weight, {3}, 0.0f), Error);
}

TEST(HeadLoss, GradientsEqualFiniteDifferences) {
  const Index tokens = 5, dim = 3, vocab = 7;
  const float z_weight = 0.1f;  // large, so that its gradient shows
  const Floats h = random_floats(7, tokens * dim), weight = random_floats(8, vocab * dim);
  const Targets targets = {2, 6, 0, -1, 2};
  const auto loss = [&](const std::vector<double>& hs, const std::vector<double>& ws) {
    double total = 0.0;
    for (Index t = 0; t < tokens; ++t) {
      if (targets[t] < 0) continue;
      double sum = 0.0, at_target = 0.0;
      for (Index i = 0; i < vocab; ++i) {
        double logit = 0.0;
        for (Index d = 0; d < dim; ++d) logit += hs[t * dim + d] * ws[i * dim + d];
        sum += std::exp(logit);
        if (i == targets[t]) at_target = logit;
      }
      const double log_sum = std::log(sum);
      total += log_sum - at_target + static_cast<double>(z_weight) * log_sum * log_sum;
    }
    return total;
  };
  const reference::Head r = run(tokens, dim, vocab, h, weight, targets, z_weight);
  const std::vector<double> hs(h.begin(), h.end()), ws(weight.begin(), weight.end());
  expect_gradient(
      r.dh, h, [&](const auto& p) { return loss(p, ws); }, 1e-5, "dh");
  expect_gradient(
      r.dweight, weight, [&](const auto& p) { return loss(hs, p); }, 1e-5, "dweight");
}

}  // namespace
}  // namespace reprise::numerics
