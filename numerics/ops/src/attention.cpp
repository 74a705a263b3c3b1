// Causal self-attention.
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "reprise/core/error.h"
#include "reprise/numerics/kernels.h"
#include "reprise/ops/operators.h"
#include "tensors.h"

namespace reprise::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct HeadShape {
  std::int64_t num_sequences;
  std::int64_t length;
  std::int64_t num_heads;
  std::int64_t head_dim;
};

HeadShape head_shape(const at::Tensor& x, std::int64_t num_heads) {
  REPRISE_CHECK_EQ(x.dim(), 3);
  REPRISE_CHECK_EQ(x.size(2) % num_heads, 0);
  return {x.size(0), x.size(1), num_heads, x.size(2) / num_heads};
}

// Division and square root are the IEEE ones, in binary64, rounded once.
float attention_scale(std::int64_t head_dim) {
  return static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim)));
}

struct AttentionNode : torch::autograd::Function<AttentionNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            std::int64_t num_heads) {
    const HeadShape shape = head_shape(q, num_heads);
    expect_shape(k, q.sizes(), "attention: k");
    expect_shape(v, q.sizes(), "attention: v");
    at::Tensor out = allocate(q.sizes());
    at::Tensor row_max = allocate({shape.num_sequences, shape.num_heads, shape.length});
    at::Tensor row_sum = allocate(row_max.sizes());
    numerics::attention_forward(
        shape.num_sequences, shape.length, shape.num_heads, shape.head_dim, attention_scale(shape.head_dim),
        float_data(q, "attention: q"), float_data(k, "attention: k"), float_data(v, "attention: v"),
        mutable_float_data(out, "attention: out"), mutable_float_data(row_max, "attention: row_max"),
        mutable_float_data(row_sum, "attention: row_sum"));
    context->set_materialize_grads(false);
    context->save_for_backward({q, k, v, out, row_max, row_sum});
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const HeadShape shape = head_shape(saved[0], saved[4].size(1));
    at::Tensor dq = allocate(saved[0].sizes());
    at::Tensor dk = allocate(saved[0].sizes());
    at::Tensor dv = allocate(saved[0].sizes());
    numerics::attention_backward(shape.num_sequences, shape.length, shape.num_heads, shape.head_dim,
                                 attention_scale(shape.head_dim), float_data(saved[0], "attention: q"),
                                 float_data(saved[1], "attention: k"), float_data(saved[2], "attention: v"),
                                 float_data(saved[3], "attention: out"), float_data(saved[4], "attention: row_max"),
                                 float_data(saved[5], "attention: row_sum"),
                                 float_data(gradients[0], "attention: dout"), mutable_float_data(dq, "attention: dq"),
                                 mutable_float_data(dk, "attention: dk"), mutable_float_data(dv, "attention: dv"));
    return {dq, dk, dv, at::Tensor()};
  }
};

}  // namespace

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t num_heads) {
  return AttentionNode::apply(q, k, v, num_heads);
}

}  // namespace reprise::ops
