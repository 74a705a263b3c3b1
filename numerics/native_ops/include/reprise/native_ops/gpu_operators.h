#pragma once
// The operators of the native profile on a GPU: products and attention are LibTorch's, and what lies between them is
// this project's own kernels, which read and write each activation once. Activations are of the operands' type, the
// residual stream is float32; a product rounds the gradient of its weight, which is then kept in float32.

#include <memory>

#include "reprise/native_ops/native_operators.h"
#include "reprise/numerics/native_kernels.h"
#include "reprise/ops/operator_set.h"

namespace reprise::native_ops {

/// Returns operators that take and give tensors of the GPU of `kernels`, whose work must be in one order with
/// LibTorch's (numerics::WorkOrder::kLibTorch). Each Parameter must have its operand and one destination, which the
/// nodes write. Deterministic algorithms and num_threads: as make_native_operators(). `kernels` must outlive the
/// operators.
std::unique_ptr<const ops::OperatorSet> make_gpu_operators(const NativeOptions& options,
                                                           numerics::NativeKernels& kernels);

}  // namespace reprise::native_ops
