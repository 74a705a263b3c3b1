// Rotary position embedding and causal self-attention.
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

struct RopeNode : torch::autograd::Function<RopeNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& cos,
                            const at::Tensor& sin) {
    const HeadShape shape = shape_of(x, cos, sin);
    at::Tensor y = allocate(x.sizes());
    numerics::rope_forward(shape.num_sequences, shape.length, shape.num_heads, shape.head_dim, float_data(x, "rope: x"),
                           float_data(cos, "rope: cos"), float_data(sin, "rope: sin"),
                           mutable_float_data(y, "rope: y"));
    context->set_materialize_grads(false);
    context->save_for_backward({cos, sin});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const float* dy = float_data(gradients[0], "rope: dy");
    const HeadShape shape = shape_of(gradients[0], saved[0], saved[1]);
    at::Tensor dx = allocate(gradients[0].sizes());
    numerics::rope_backward(shape.num_sequences, shape.length, shape.num_heads, shape.head_dim, dy,
                            float_data(saved[0], "rope: cos"), float_data(saved[1], "rope: sin"),
                            mutable_float_data(dx, "rope: dx"));
    return {dx, at::Tensor(), at::Tensor()};
  }

 private:
  static HeadShape shape_of(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
    REPRISE_CHECK_EQ(cos.dim(), 2);
    REPRISE_CHECK_EQ(x.size(-1) % (2 * cos.size(1)), 0);
    const HeadShape shape = head_shape(x, x.size(-1) / (2 * cos.size(1)));
    expect_shape(sin, cos.sizes(), "rope: sin");
    REPRISE_CHECK(cos.size(0) >= shape.length);
    return shape;
  }
};

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

at::Tensor rope(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
  return RopeNode::apply(x, cos, sin);
}

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t num_heads) {
  return AttentionNode::apply(q, k, v, num_heads);
}

}  // namespace reprise::ops
