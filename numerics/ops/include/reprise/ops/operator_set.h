#pragma once
// The operators a model is written in, as an interface: a numerics profile is one implementation. The exact one
// delegates to operators.h; the native one lies in a library of its own (reprise::native_ops), so that what is checked
// of the exact path is not loosened for it.
//
// Thread-safety: const methods may run on several threads at once, on different tensors.
// Failures: Error(kInternal) when a shape, dtype or layout is wrong.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "reprise/ops/operators.h"

namespace reprise::ops {

/// What each operator returns is said in operators.h; how it is rounded is the profile's.
class OperatorSet {
 public:
  virtual ~OperatorSet() = default;

  /// Called by a thread before it runs operators: what is set by thread must be set before every pass.
  virtual void prepare_thread() const = 0;

  virtual at::Tensor embedding(const at::Tensor& ids, const Parameter& table) const = 0;
  virtual at::Tensor linear(const at::Tensor& x, const Parameter& weight) const = 0;
  virtual std::vector<at::Tensor> joint_linear(const at::Tensor& x, std::span<const Parameter> weights) const = 0;
  virtual at::Tensor rms_norm(const at::Tensor& x, const Parameter& weight, float epsilon) const = 0;
  virtual at::Tensor rope(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) const = 0;
  /// `document_starts`: int32 [B,T], where the document of each token starts; undefined: one document.
  virtual at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t num_heads,
                               const at::Tensor& document_starts) const = 0;
  virtual at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) const = 0;
  virtual at::Tensor residual_add(const at::Tensor& residual, const at::Tensor& branch) const = 0;
  /// What a model writes of these together, for profiles that compute it at once.
  virtual at::Tensor norm_rope(const at::Tensor& x, const Parameter& weight, float epsilon, const at::Tensor& cos,
                               const at::Tensor& sin) const {
    return rope(rms_norm(x, weight, epsilon), cos, sin);
  }
  virtual at::Tensor norm_add(const at::Tensor& residual, const at::Tensor& x, const Parameter& weight,
                              float epsilon) const {
    return residual_add(residual, rms_norm(x, weight, epsilon));
  }
  /// The value for a branch, and as it stays in the residual stream.
  virtual std::array<at::Tensor, 2> fan_out(const at::Tensor& x) const = 0;
  virtual HeadLoss head_loss(const at::Tensor& hidden, const Parameter& weight, const at::Tensor& targets,
                             float z_weight) const = 0;
  virtual HeadLoss head_loss_without_gradient(const at::Tensor& hidden, const Parameter& weight,
                                              const at::Tensor& targets) const = 0;

  /// Runs the backward pass from `root` with a gradient of 1 and leaves the gradient of each parameter in its
  /// destinations.
  virtual void backward(const at::Tensor& root, std::span<const Parameter> parameters) const = 0;

 protected:
  OperatorSet() = default;
  OperatorSet(const OperatorSet&) = default;
  OperatorSet& operator=(const OperatorSet&) = default;
};

/// The operators of the exact profile.
const OperatorSet& exact_operators();

}  // namespace reprise::ops
