#pragma once
// The nodes of the graph on a GPU. Tensors are contiguous there; "operands" are of NativeOptions::operand_type. The
// gradient of a weight is written to its destination by the node's backward pass.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "reprise/native_ops/native_operators.h"
#include "reprise/numerics/native_kernels.h"
#include "reprise/ops/operator_set.h"

namespace reprise::native_ops {

/// What nodes compute with. A node keeps a copy.
struct GpuContext {
  numerics::NativeKernels* kernels = nullptr;
  at::ScalarType operand_type = at::kFloat;
  std::int64_t logits_at_once = 0;  // gpu_head_loss() alone

  numerics::OperandType type() const {
    return operand_type == at::kBFloat16 ? numerics::OperandType::kBfloat16 : numerics::OperandType::kFloat32;
  }
};

// ---- gpu_linear.cpp
/// ids int32 [B,T] to float32 [B,T,D].
at::Tensor gpu_embedding(const at::Tensor& ids, const ops::Parameter& table);
/// Operands to operands.
std::vector<at::Tensor> gpu_joint_linear(const at::Tensor& x, std::span<const ops::Parameter> weights);
/// The float32 stream as operands and as it is.
std::array<at::Tensor, 2> gpu_fan_out(const GpuContext& context, const at::Tensor& x);
at::Tensor gpu_swiglu(const GpuContext& context, const at::Tensor& gate, const at::Tensor& up);

// ---- gpu_norms.cpp
/// float32 to operands.
at::Tensor gpu_norm(const GpuContext& context, const at::Tensor& x, const ops::Parameter& weight, float epsilon);
/// Operands to operands.
at::Tensor gpu_norm_rope(const GpuContext& context, const at::Tensor& x, const ops::Parameter& weight, float epsilon,
                         const at::Tensor& cos, const at::Tensor& sin);
/// float32 residual and operands to float32.
at::Tensor gpu_norm_add(const GpuContext& context, const at::Tensor& residual, const at::Tensor& x,
                        const ops::Parameter& weight, float epsilon);

// ---- gpu_head_loss.cpp
ops::HeadLoss gpu_head_loss(const GpuContext& context, const at::Tensor& hidden, const ops::Parameter& weight,
                            const at::Tensor& targets, float z_weight);
ops::HeadLoss gpu_head_loss_without_gradient(const GpuContext& context, const at::Tensor& hidden,
                                             const ops::Parameter& weight, const at::Tensor& targets);

// ---- For nodes
/// The destination of a parameter's gradient, as an argument of a node: not a variable of the graph.
struct Destination {
  at::Tensor tensor;
};
inline Destination destination_of(const ops::Parameter& parameter) {
  return {parameter.gradients.empty() ? at::Tensor() : parameter.gradients[0]};
}

/// Rows of the last axis.
inline at::Tensor rows_of(const at::Tensor& x) { return x.reshape({-1, x.size(-1)}); }

}  // namespace reprise::native_ops
