// LM head, cross-entropy and z-loss [C-15], one chunk of tokens at a time: the logits of a chunk become their own
// gradient in place, and both products read them before the next chunk overwrites them.

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "dispatch.h"
#include "gemm_product.h"
#include "reprise/core/error.h"
#include "reprise/numerics/kernels.h"
#include "scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "head_loss.cpp"
#include <hwy/foreach_target.h>

#include "functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

/// x = exp(x - maximum) in place; returns the sum by lanes.
HWY_INLINE float exponentiate(Index count, float maximum, float* x) {
  const Vector largest = broadcast(maximum);
  Vector lanes[kLaneVectors];
  for (auto& lane : lanes) lane = zero();
  Index i = 0;
  for (; i + kVirtualLanes <= count; i += kVirtualLanes) {
    for (Index v = 0; v < kLaneVectors; ++v) {
      const Index at = i + v * kWidth;
      const Vector e = exp_value(hn::Sub(load(x + at), largest));
      store(e, x + at);
      lanes[v] = hn::Add(lanes[v], e);
    }
  }
  for (Index v = 0; i + v * kWidth < count; ++v) {
    const Index at = i + v * kWidth;
    constexpr float kNothing = -__builtin_inff();  // its exponential is +0
    const Vector e = exp_value(hn::Sub(load_some(x + at, count - at, kNothing), largest));
    store_some(e, x + at, count - at);
    lanes[v] = hn::Add(lanes[v], e);
  }
  return sum_lanes(lanes);
}

/// Losses of one token; with `gradient`, logits become d(cross_entropy + z_weight * z) / d(logits).
void token_loss(Index vocab, Index target, float z_weight, bool gradient, float* logits, float* cross_entropy,
                float* z) {
  const float target_logit = logits[target];
  const float maximum = row_maximum(logits, vocab);
  const float sum = exponentiate(vocab, maximum, logits);
  HWY_ALIGN float logarithm[kWidth];
  store(log_value(broadcast(sum)), logarithm);
  const float log_sum_exp = maximum + logarithm[0];
  *cross_entropy = log_sum_exp - target_logit;
  *z = log_sum_exp * log_sum_exp;
  if (!gradient) return;
  const float coefficient = scalar_fma(2.0f * z_weight, log_sum_exp, 1.0f) / sum;
  const float at_target = scalar_fma(logits[target], coefficient, -1.0f);
  for (Index i = 0; i < vocab; i += kWidth) {
    store_some(hn::Mul(load_some(logits + i, vocab - i), broadcast(coefficient)), logits + i, vocab - i);
  }
  logits[target] = at_target;
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::numerics {
namespace {

constexpr std::int64_t kChunkTokens = 2 * kGemmSegment;  // segments of dweight end where chunks end
// Rows of logits lie a line further apart than a power of two, which would put a column into one set of every cache.
constexpr std::int64_t kRowGap = 16;

struct HeadLoss {
  std::int64_t num_tokens, dim, vocab;
  const float* h;
  const float* weight;
  const std::int32_t* targets;
  float z_weight;
  float* cross_entropy;
  float* z;
  float* dh;       // null: forward alone
  float* dweight;  // null: forward alone
};

/// Losses of the tokens [first, first + count), and the gradient of their logits in place.
void chunk_losses(const HeadLoss& head, std::int64_t first, std::int64_t count, float* logits) {
  const bool gradient = head.dh != nullptr;
  for (std::int64_t i = 0; i < count; ++i) {
    float* row = logits + i * (head.vocab + kRowGap);
    const std::int32_t target = head.targets[first + i];
    if (target < 0) {
      head.cross_entropy[first + i] = 0.0f;
      head.z[first + i] = 0.0f;
      if (gradient) std::memset(row, 0, static_cast<std::size_t>(head.vocab) * sizeof(float));
      continue;
    }
    REPRISE_CHECK(target < head.vocab);
    REPRISE_DISPATCH(token_loss)
    (head.vocab, target, head.z_weight, gradient, row, head.cross_entropy + first + i, head.z + first + i);
  }
}

void run(const HeadLoss& head) {
  float* logits = scratch(Scratch::kLogits, std::min(kChunkTokens, head.num_tokens) * (head.vocab + kRowGap));
  const std::int64_t stride = head.vocab + kRowGap;
  if (head.dweight != nullptr && head.num_tokens == 0) {
    std::memset(head.dweight, 0, static_cast<std::size_t>(head.vocab * head.dim) * sizeof(float));
  }
  for (std::int64_t first = 0; first < head.num_tokens; first += kChunkTokens) {
    const std::int64_t count = std::min(kChunkTokens, head.num_tokens - first);
    const float* h = head.h + first * head.dim;
    gemm_nt(count, head.vocab, head.dim, h, head.dim, head.weight, head.dim, logits, stride);
    chunk_losses(head, first, count, logits);
    if (head.dh == nullptr) continue;
    gemm_nn(count, head.dim, head.vocab, logits, stride, head.weight, head.dim, head.dh + first * head.dim, head.dim);
    const ProductPart part{logits, 1, stride, h, head.dim, 1, count};
    multiply_parts(head.vocab, head.dim, {&part, 1}, head.dweight, head.dim, first > 0);
  }
}

}  // namespace

void head_loss_forward(std::int64_t num_tokens, std::int64_t dim, std::int64_t vocab, const float* h,
                       const float* weight, const std::int32_t* targets, float* cross_entropy, float* z) {
  run({num_tokens, dim, vocab, h, weight, targets, 0.0f, cross_entropy, z, nullptr, nullptr});
}

void head_loss_forward_backward(std::int64_t num_tokens, std::int64_t dim, std::int64_t vocab, const float* h,
                                const float* weight, const std::int32_t* targets, float z_weight, float* cross_entropy,
                                float* z, float* dh, float* dweight) {
  run({num_tokens, dim, vocab, h, weight, targets, z_weight, cross_entropy, z, dh, dweight});
}

}  // namespace reprise::numerics
#endif  // HWY_ONCE
