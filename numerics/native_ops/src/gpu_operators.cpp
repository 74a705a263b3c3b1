#include "reprise/native_ops/gpu_operators.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones_like.h>
#include <c10/core/AutogradState.h>
#include <torch/csrc/autograd/autograd.h>

#include "gpu_nodes.h"
#include "layers.h"
#include "reprise/core/error.h"
#include "threads.h"

namespace reprise::native_ops {
namespace {

using ops::HeadLoss;
using ops::Parameter;

/// While it lives autograd runs a GPU's nodes on the thread that calls it. Its own threads for GPUs begin with the
/// process's first backward pass, whether or not LibTorch knows of GPUs by then, and have no DeviceScope.
class OnThisThread {
 public:
  OnThisThread() : before_(state().get_multithreading_enabled()) { state().set_multithreading_enabled(false); }
  ~OnThisThread() { state().set_multithreading_enabled(before_); }
  OnThisThread(const OnThisThread&) = delete;
  OnThisThread& operator=(const OnThisThread&) = delete;

 private:
  static c10::AutogradState& state() { return c10::AutogradState::get_tls_state(); }
  bool before_;
};

class GpuOperators final : public ops::OperatorSet {
 public:
  GpuOperators(const NativeOptions& options, numerics::NativeKernels& kernels)
      : options_(options), context_{&kernels, options.operand_type, options.logits_at_once} {}

  void prepare_thread() const override { use_threads(options_.num_threads); }

  at::Tensor embedding(const at::Tensor& ids, const Parameter& table) const override {
    return gpu_embedding(ids, table);
  }
  at::Tensor linear(const at::Tensor& x, const Parameter& weight) const override {
    return gpu_joint_linear(x, {&weight, 1})[0];
  }
  std::vector<at::Tensor> joint_linear(const at::Tensor& x, std::span<const Parameter> weights) const override {
    return gpu_joint_linear(x, weights);
  }
  at::Tensor rms_norm(const at::Tensor& x, const Parameter& weight, float epsilon) const override {
    return gpu_norm(context_, x, weight, epsilon);
  }
  at::Tensor rope(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) const override {
    return native_ops::rope(x, cos, sin);
  }
  at::Tensor norm_rope(const at::Tensor& x, const Parameter& weight, float epsilon, const at::Tensor& cos,
                       const at::Tensor& sin) const override {
    return gpu_norm_rope(context_, x, weight, epsilon, cos, sin);
  }
  at::Tensor norm_add(const at::Tensor& residual, const at::Tensor& x, const Parameter& weight,
                      float epsilon) const override {
    return gpu_norm_add(context_, residual, x, weight, epsilon);
  }
  at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t num_heads,
                       const at::Tensor& document_starts) const override {
    return attention_of_operands(q, k, v, num_heads, document_starts);
  }
  at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) const override {
    return gpu_swiglu(context_, gate, up);
  }
  at::Tensor residual_add(const at::Tensor& residual, const at::Tensor& branch) const override {
    return residual + branch;
  }
  std::array<at::Tensor, 2> fan_out(const at::Tensor& x) const override { return gpu_fan_out(context_, x); }

  HeadLoss head_loss(const at::Tensor& hidden, const Parameter& weight, const at::Tensor& targets,
                     float z_weight) const override {
    return gpu_head_loss(context_, hidden, weight, targets, z_weight);
  }
  HeadLoss head_loss_without_gradient(const at::Tensor& hidden, const Parameter& weight,
                                      const at::Tensor& targets) const override {
    return gpu_head_loss_without_gradient(context_, hidden, weight, targets);
  }

  // Every node has written its destination.
  void backward(const at::Tensor& root, std::span<const Parameter> parameters) const override {
    std::vector<at::Tensor> weights;
    weights.reserve(parameters.size());
    for (const Parameter& parameter : parameters) weights.push_back(parameter.weight);
    const OnThisThread on_this_thread;
    const std::vector<at::Tensor> gradients = torch::autograd::grad({root}, weights, {at::ones_like(root)});
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      REPRISE_CHECK_EQ(parameters[i].gradients.size(), 1u);
      REPRISE_CHECK(gradients[i].const_data_ptr<float>() == parameters[i].gradients[0].const_data_ptr<float>());
    }
  }

 private:
  NativeOptions options_;
  GpuContext context_;
};

}  // namespace

std::unique_ptr<const ops::OperatorSet> make_gpu_operators(const NativeOptions& options,
                                                           numerics::NativeKernels& kernels) {
  REPRISE_CHECK(options.operand_type == at::kFloat || options.operand_type == at::kBFloat16);
  fix_native_settings(options.num_threads);
  return std::make_unique<GpuOperators>(options, kernels);
}

}  // namespace reprise::native_ops
