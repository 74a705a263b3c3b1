// The exact profile as a set: each operator as operators.h declares it.
#include <torch/csrc/autograd/autograd.h>

#include "reprise/core/error.h"
#include "reprise/ops/operator_set.h"
#include "tensors.h"

namespace reprise::ops {
namespace {

class ExactOperators final : public OperatorSet {
 public:
  // The kernels run on the calling thread and depend on nothing that is set there but the floating-point environment,
  // which the step checks.
  void prepare_thread() const override {}

  at::Tensor embedding(const at::Tensor& ids, const Parameter& table) const override {
    return ops::embedding(ids, table);
  }
  at::Tensor linear(const at::Tensor& x, const Parameter& weight) const override { return ops::linear(x, weight); }
  std::vector<at::Tensor> joint_linear(const at::Tensor& x, std::span<const Parameter> weights) const override {
    return ops::joint_linear(x, weights);
  }
  at::Tensor rms_norm(const at::Tensor& x, const Parameter& weight, float epsilon) const override {
    return ops::rms_norm(x, weight, epsilon);
  }
  at::Tensor rope(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) const override {
    return ops::rope(x, cos, sin);
  }
  at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t num_heads,
                       const at::Tensor& document_starts) const override {
    AttentionOptions options;
    options.document_starts = document_starts;
    return ops::attention(q, k, v, num_heads, options);
  }
  at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) const override { return ops::swiglu(gate, up); }
  at::Tensor residual_add(const at::Tensor& residual, const at::Tensor& branch) const override {
    return ops::residual_add(residual, branch);
  }
  std::array<at::Tensor, 2> fan_out(const at::Tensor& x) const override { return ops::fan_out(x); }
  HeadLoss head_loss(const at::Tensor& hidden, const Parameter& weight, const at::Tensor& targets,
                     float z_weight) const override {
    return ops::head_loss(hidden, weight, targets, z_weight);
  }
  HeadLoss head_loss_without_gradient(const at::Tensor& hidden, const Parameter& weight,
                                      const at::Tensor& targets) const override {
    return ops::head_loss_without_gradient(hidden, weight, targets);
  }

  // Every operator was given its destinations, so the gradients should lie there already.
  void backward(const at::Tensor& root, std::span<const Parameter> parameters) const override {
    std::vector<at::Tensor> weights;
    weights.reserve(parameters.size());
    for (const Parameter& parameter : parameters) weights.push_back(parameter.weight);
    const at::Tensor one = allocate_scalar();
    *scalar_data(one, "backward: gradient of the root") = 1.0f;
    const std::vector<at::Tensor> gradients = torch::autograd::grad({root}, weights, {one});
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      REPRISE_CHECK(gradients[i].defined());
      const float* from = gradients[i].const_data_ptr<float>();
      REPRISE_CHECK(from == parameters[i].gradients[0].const_data_ptr<float>());
    }
  }
};

}  // namespace

const OperatorSet& exact_operators() {
  static const ExactOperators operators;
  return operators;
}

}  // namespace reprise::ops
