#include <torch/csrc/autograd/custom_function.h>

#include "reprise/numerics/kernels.h"
#include "reprise/ops/operators.h"
#include "tensors.h"

namespace reprise::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct RmsNormNode : torch::autograd::Function<RmsNormNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const Destination& destination, float epsilon) {
    const std::int64_t rows = num_rows(x);
    const std::int64_t dim = x.size(-1);
    expect_shape(weight, {dim}, "rms_norm: weight");
    at::Tensor y = allocate(x.sizes());
    at::Tensor inverse_rms = allocate({rows});
    numerics::rms_norm_forward(rows, dim, float_data(x, "rms_norm: x"), float_data(weight, "rms_norm: weight"), epsilon,
                               mutable_float_data(y, "rms_norm: y"),
                               mutable_float_data(inverse_rms, "rms_norm: inverse_rms"));
    context->set_materialize_grads(false);
    context->save_for_backward({x, weight, destination.tensor, inverse_rms});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& weight = saved[1];
    at::Tensor dx = allocate(x.sizes());
    at::Tensor dweight = gradient_of(weight, saved[2]);
    numerics::rms_norm_backward(num_rows(x), x.size(-1), float_data(gradients[0], "rms_norm: dy"),
                                float_data(x, "rms_norm: x"), float_data(weight, "rms_norm: weight"),
                                float_data(saved[3], "rms_norm: inverse_rms"), mutable_float_data(dx, "rms_norm: dx"),
                                mutable_float_data(dweight, "rms_norm: dweight"));
    return {dx, dweight, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const Parameter& weight, float epsilon) {
  return RmsNormNode::apply(x, weight.weight, Destination{weight.gradient}, epsilon);
}

}  // namespace reprise::ops
