#include "reprise/native_ops/native_operators.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/ones_like.h>
#include <torch/csrc/autograd/autograd.h>

#include "head_loss.h"
#include "layers.h"
#include "reprise/core/error.h"
#include "threads.h"

namespace reprise::native_ops {
namespace {

using ops::HeadLoss;
using ops::Parameter;

class NativeOperators final : public ops::OperatorSet {
 public:
  explicit NativeOperators(const NativeOptions& options) : options_(options) {}

  void prepare_thread() const override { use_threads(options_.num_threads); }

  at::Tensor embedding(const at::Tensor& ids, const Parameter& table) const override {
    return at::embedding(table.weight, ids);
  }
  at::Tensor linear(const at::Tensor& x, const Parameter& weight) const override {
    return native_ops::linear(x, weight.weight, options_.operand_type);
  }
  std::vector<at::Tensor> joint_linear(const at::Tensor& x, std::span<const Parameter> weights) const override {
    const at::Tensor operand = x.to(options_.operand_type);
    std::vector<at::Tensor> outputs;
    for (const Parameter& weight : weights) outputs.push_back(linear(operand, weight));
    return outputs;
  }
  at::Tensor rms_norm(const at::Tensor& x, const Parameter& weight, float epsilon) const override {
    return native_ops::rms_norm(x, weight.weight, epsilon);
  }
  at::Tensor rope(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) const override {
    return native_ops::rope(x, cos, sin);
  }
  at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t num_heads,
                       const at::Tensor& document_starts) const override {
    return native_ops::attention(q, k, v, num_heads, document_starts, options_.operand_type);
  }
  at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) const override {
    return native_ops::swiglu(gate, up);
  }
  at::Tensor residual_add(const at::Tensor& residual, const at::Tensor& branch) const override {
    return residual + branch;
  }
  // The engine adds the two gradients; a sum of two terms has one value, whichever comes first.
  std::array<at::Tensor, 2> fan_out(const at::Tensor& x) const override { return {x, x}; }

  HeadLoss head_loss(const at::Tensor& hidden, const Parameter& weight, const at::Tensor& targets,
                     float z_weight) const override {
    return native_ops::head_loss(hidden, weight.weight, targets, z_weight, options_.operand_type);
  }
  HeadLoss head_loss_without_gradient(const at::Tensor& hidden, const Parameter& weight,
                                      const at::Tensor& targets) const override {
    return native_ops::head_loss_without_gradient(hidden, weight.weight, targets, options_.operand_type);
  }

  void backward(const at::Tensor& root, std::span<const Parameter> parameters) const override {
    std::vector<at::Tensor> weights;
    weights.reserve(parameters.size());
    for (const Parameter& parameter : parameters) {
      REPRISE_CHECK_EQ(parameter.gradients.size(), 1u);
      weights.push_back(parameter.weight);
    }
    const std::vector<at::Tensor> gradients = torch::autograd::grad({root}, weights, {at::ones_like(root)});
    const at::NoGradGuard without_graph;
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].gradients[0].copy_(gradients[i]);
  }

 private:
  NativeOptions options_;
};

}  // namespace

std::unique_ptr<const ops::OperatorSet> make_native_operators(const NativeOptions& options) {
  REPRISE_CHECK(options.operand_type == at::kFloat || options.operand_type == at::kBFloat16);
  fix_native_settings(options.num_threads);
  return std::make_unique<NativeOperators>(options);
}

}  // namespace reprise::native_ops
