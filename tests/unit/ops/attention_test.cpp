// Attention as an autograd node: it gives what the kernels give, forward and backward, with and without options.
#include "reprise/numerics/attention.h"

#include <gmock/gmock.h>

#include <cmath>

#include "reprise/core/error.h"
#include "reprise/ops/operators.h"
#include "tensor_values.h"

namespace reprise::ops {
namespace {

using tensor_values::data;
using tensor_values::Floats;
using tensor_values::gradients_of;
using tensor_values::random_leaf;
using tensor_values::random_tensor;
using tensor_values::values;
using Index = std::int64_t;

constexpr Index kSequences = 2, kLength = 37, kHeads = 4, kDim = 5;

at::Tensor document_starts() {
  at::Tensor starts = at::empty({kSequences, kLength}, at::kInt);
  for (Index i = 0; i < starts.numel(); ++i) {
    starts.mutable_data_ptr<std::int32_t>()[i] = static_cast<std::int32_t>(i % kLength / 10 * 10);
  }
  return starts;
}

/// Compares one run of the node with one of the kernels.
void expect_what_the_kernels_give(const AttentionOptions& options, const numerics::AttentionOptions& same) {
  const Index kv_heads = options.num_kv_heads == 0 ? kHeads : options.num_kv_heads;
  const at::Tensor q = random_leaf(1, {kSequences, kLength, kHeads * kDim});
  const at::Tensor k = random_leaf(2, {kSequences, kLength, kv_heads * kDim});
  const at::Tensor v = random_leaf(3, k.sizes()), dout = random_tensor(4, q.sizes());
  const at::Tensor y = attention(q, k, v, kHeads, options);
  EXPECT_THAT(y.grad_fn()->name(), ::testing::HasSubstr("AttentionNode"));
  const auto gradients = gradients_of(y, dout, {q, k, v});
  const numerics::AttentionShape shape{kSequences, kLength, kHeads, kv_heads, kDim};
  const auto size = static_cast<std::size_t>(q.numel()), keys = static_cast<std::size_t>(k.numel());
  Floats out(size), row_max(kSequences * kHeads * kLength), row_sum(row_max.size()), dq(size), dk(keys), dv(keys);
  numerics::attention_forward(shape, same, data(q), data(k), data(v), out.data(), row_max.data(), row_sum.data());
  numerics::attention_backward(shape, same, data(q), data(k), data(v), out.data(), row_max.data(), row_sum.data(),
                               data(dout), dq.data(), dk.data(), dv.data());
  EXPECT_EQ(values(y), out);
  EXPECT_EQ(values(gradients[0]), dq);
  EXPECT_EQ(values(gradients[1]), dk);
  EXPECT_EQ(values(gradients[2]), dv);
}

TEST(AttentionOperator, IsPlainAndScaledByTheHeadSizeByDefault) {
  numerics::AttentionOptions same;
  same.scale = static_cast<float>(1.0 / std::sqrt(5.0));
  expect_what_the_kernels_give({}, same);
}

TEST(AttentionOperator, GivesEveryOptionToBothPasses) {
  AttentionOptions options;
  options.num_kv_heads = 2;
  options.scale = 0.3f;
  options.window = 12;
  options.softcap = 2.5f;
  options.alibi_slopes = {0.5f, 0.25f, 0.125f, 0.0625f};
  options.document_starts = document_starts();
  const numerics::AttentionOptions same{0.3f, 12, 2.5f, options.alibi_slopes.data(),
                                        options.document_starts.const_data_ptr<std::int32_t>()};
  expect_what_the_kernels_give(options, same);
}

TEST(AttentionOperator, KeepsItsOptionsForTheBackwardPass) {
  const at::Tensor q = random_leaf(5, {1, kLength, kHeads * kDim}), dout = random_tensor(6, q.sizes());
  const at::Tensor k = random_leaf(7, q.sizes()), v = random_leaf(8, q.sizes());
  AttentionOptions options;
  options.alibi_slopes = {0.5f, 0.25f, 0.125f, 0.0625f};
  const at::Tensor first = attention(q, k, v, kHeads, options), second = attention(q, k, v, kHeads, options);
  const Floats expected = values(gradients_of(first, dout, {q})[0]);
  options.alibi_slopes = {};
  EXPECT_EQ(values(gradients_of(second, dout, {q})[0]), expected);
}

TEST(AttentionOperator, RefusesShapesThatDoNotFit) {
  const at::Tensor q = random_leaf(9, {1, 3, 8}), k = random_leaf(10, {1, 3, 8});
  AttentionOptions options;
  options.num_kv_heads = 1;
  EXPECT_THROW(attention(q, k, k, 2, options), Error);  // k has two heads
  options = {};
  options.alibi_slopes = {0.5f};
  EXPECT_THROW(attention(q, k, k, 2, options), Error);
  options = {};
  options.document_starts = document_starts();
  EXPECT_THROW(attention(q, k, k, 2, options), Error);
  options = {};
  options.window = -1;
  EXPECT_THROW(attention(q, k, k, 2, options), Error);
}

}  // namespace
}  // namespace reprise::ops
