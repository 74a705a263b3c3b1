#include <torch/csrc/autograd/custom_function.h>

#include "reprise/core/error.h"
#include "reprise/numerics/kernels.h"
#include "reprise/ops/operators.h"
#include "tensors.h"

namespace reprise::ops {
namespace {

using numerics::RotaryLayout;
using numerics::RotaryPairs;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Checks the shapes of x [B,T,H*E] and of the tables.
RotaryLayout layout_of(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, std::int64_t num_heads,
                       RotaryPairs pairs) {
  REPRISE_CHECK_EQ(x.dim(), 3);
  REPRISE_CHECK_EQ(cos.dim(), 2);
  REPRISE_CHECK(num_heads > 0);
  REPRISE_CHECK_EQ(x.size(2) % num_heads, 0);
  expect_shape(sin, cos.sizes(), "rope: sin");
  REPRISE_CHECK(cos.size(0) >= x.size(1));
  return {num_heads, x.size(2) / num_heads, 2 * cos.size(1), pairs};
}

struct RotaryNode : torch::autograd::Function<RotaryNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin,
                            std::int64_t num_heads, RotaryPairs pairs) {
    const RotaryLayout layout = layout_of(x, cos, sin, num_heads, pairs);
    at::Tensor y = allocate(x.sizes());
    active_device().rotary_forward(x.size(0), x.size(1), layout, float_data(x, "rope: x"), float_data(cos, "rope: cos"),
                                   float_data(sin, "rope: sin"), mutable_float_data(y, "rope: y"));
    context->set_materialize_grads(false);
    context->save_for_backward({cos, sin});
    context->saved_data["num_heads"] = num_heads;
    context->saved_data["pairs"] = static_cast<std::int64_t>(pairs);
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& dy = gradients[0];
    const float* dy_data = float_data(dy, "rope: dy");
    const RotaryLayout layout = layout_of(dy, saved[0], saved[1], context->saved_data["num_heads"].toInt(),
                                          static_cast<RotaryPairs>(context->saved_data["pairs"].toInt()));
    at::Tensor dx = allocate(dy.sizes());
    active_device().rotary_backward(dy.size(0), dy.size(1), layout, dy_data, float_data(saved[0], "rope: cos"),
                                    float_data(saved[1], "rope: sin"), mutable_float_data(dx, "rope: dx"));
    return {dx, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor rotary(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, std::int64_t num_heads,
                  RotaryPairs pairs) {
  return RotaryNode::apply(x, cos, sin, num_heads, pairs);
}

at::Tensor rope(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
  REPRISE_CHECK_EQ(cos.dim(), 2);
  REPRISE_CHECK_EQ(x.size(-1) % (2 * cos.size(1)), 0);
  return rotary(x, cos, sin, x.size(-1) / (2 * cos.size(1)), RotaryPairs::kHalves);
}

}  // namespace reprise::ops
