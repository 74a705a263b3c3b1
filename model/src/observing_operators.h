#pragma once
// Operators that show what flows through a forward pass and change nothing of it: a wrapper around those of any
// profile.

#include <functional>
#include <string>

#include "reprise/ops/operator_set.h"

namespace reprise::model {

/// Called for each activation, in the order of the pass: "layers.3.attention", and its values.
using SeeTensor = std::function<void(const std::string& name, const at::Tensor& values)>;

/// For one forward pass of the decoder without a graph. Both sublayers of a block end in a residual addition, so those
/// tell where the pass is. Not thread-safe.
class ObservingOperators : public ops::OperatorSet {
 public:
  ObservingOperators(const ops::OperatorSet& inner, SeeTensor see) : inner_(inner), see_(std::move(see)) {}

  void prepare_thread() const override { inner_.prepare_thread(); }
  at::Tensor embedding(const at::Tensor& ids, const ops::Parameter& table) const override;
  at::Tensor linear(const at::Tensor& x, const ops::Parameter& weight) const override {
    return inner_.linear(x, weight);
  }
  std::vector<at::Tensor> joint_linear(const at::Tensor& x, std::span<const ops::Parameter> weights) const override {
    return inner_.joint_linear(x, weights);
  }
  at::Tensor rms_norm(const at::Tensor& x, const ops::Parameter& weight, float epsilon) const override {
    return inner_.rms_norm(x, weight, epsilon);
  }
  at::Tensor rope(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) const override {
    return inner_.rope(x, cos, sin);
  }
  at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t num_heads,
                       const at::Tensor& document_starts) const override {
    return inner_.attention(q, k, v, num_heads, document_starts);
  }
  at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) const override { return inner_.swiglu(gate, up); }
  at::Tensor residual_add(const at::Tensor& residual, const at::Tensor& branch) const override;
  std::array<at::Tensor, 2> fan_out(const at::Tensor& x) const override { return inner_.fan_out(x); }
  ops::HeadLoss head_loss(const at::Tensor& hidden, const ops::Parameter& weight, const at::Tensor& targets,
                          float z_weight) const override {
    return inner_.head_loss(hidden, weight, targets, z_weight);
  }
  ops::HeadLoss head_loss_without_gradient(const at::Tensor& hidden, const ops::Parameter& weight,
                                           const at::Tensor& targets) const override {
    return inner_.head_loss_without_gradient(hidden, weight, targets);
  }
  void backward(const at::Tensor& root, std::span<const ops::Parameter> parameters) const override {
    inner_.backward(root, parameters);
  }

 private:
  const ops::OperatorSet& inner_;
  SeeTensor see_;
  mutable std::size_t num_residuals_ = 0;  // additions so far: two for each block
};

}  // namespace reprise::model
