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
                            const Destinations& destinations, float epsilon) {
    const std::int64_t rows = num_rows(x);
    const std::int64_t dim = x.size(-1);
    expect_shape(weight, {dim}, "rms_norm: weight");
    at::Tensor y = allocate(x.sizes());
    at::Tensor inverse_rms = allocate({rows});
    active_device().rms_norm_forward(rows, dim, float_data(x, "rms_norm: x"), float_data(weight, "rms_norm: weight"),
                                     epsilon, mutable_float_data(y, "rms_norm: y"),
                                     mutable_float_data(inverse_rms, "rms_norm: inverse_rms"));
    context->set_materialize_grads(false);
    variable_list saved = {x, weight, inverse_rms};
    saved.insert(saved.end(), destinations.tensors.begin(), destinations.tensors.end());
    context->save_for_backward(std::move(saved));
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& weight = saved[1];
    const std::int64_t dim = x.size(-1);
    at::Tensor dx = allocate(x.sizes());
    const std::vector<at::Tensor> dweights = gradients_of(weight, std::span(saved).subspan(3));
    const std::int64_t rows = rows_per_grain(num_rows(x), dweights.size());
    for (std::size_t grain = 0; grain < dweights.size(); ++grain) {
      const std::int64_t first = static_cast<std::int64_t>(grain) * rows;
      active_device().rms_norm_backward(
          rows, dim, float_data(gradients[0], "rms_norm: dy") + first * dim, float_data(x, "rms_norm: x") + first * dim,
          float_data(weight, "rms_norm: weight"), float_data(saved[2], "rms_norm: inverse_rms") + first,
          mutable_float_data(dx, "rms_norm: dx") + first * dim,
          mutable_float_data(dweights[grain], "rms_norm: dweight"));
    }
    return {dx, dweights[0], at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const Parameter& weight, float epsilon) {
  return RmsNormNode::apply(x, weight.weight, Destinations{weight.gradients}, epsilon);
}

}  // namespace reprise::ops
