#pragma once
// Launchers of the native profile's kernels, as NativeKernels (reprise/numerics/native_kernels.h) describes them. They
// are fused so that an activation is read and written once; outputs are memory of their own. With operands as float the
// sums differ from the exact profile's: nothing here is a clause of the numeric contract.

#include <cstdint>

#include "queue.h"
#include "reprise/numerics/native_kernels.h"

namespace reprise::numerics::cuda {

// ---- native_norm_forward.cu
void norm_rotate_forward(Queue& queue, const NativeNorm& norm, const NativeRotation& rotation, const void* x, void* y,
                         float* inverse_rms);
void norm_add_forward(Queue& queue, const NativeNorm& norm, const float* residual, const void* x, float* sum,
                      float* inverse_rms);
void norm_forward(Queue& queue, const NativeNorm& norm, const float* x, void* y, float* inverse_rms);

// ---- native_norm_backward.cu
void norm_rotate_backward(Queue& queue, const NativeNorm& norm, const NativeRotation& rotation, const void* dy,
                          const void* x, const float* inverse_rms, void* dx, float* dweight);
void norm_add_backward(Queue& queue, const NativeNorm& norm, const float* dsum, const void* x, const float* inverse_rms,
                       void* dx, float* dweight);
void norm_backward(Queue& queue, const NativeNorm& norm, const void* dy, const float* x, const float* inverse_rms,
                   float* dx, float* dweight);

// ---- native_swiglu.cu
void swiglu_forward(Queue& queue, OperandType type, std::int64_t count, const void* gate, const void* up, void* y);
void swiglu_backward(Queue& queue, OperandType type, std::int64_t count, const void* gate, const void* up,
                     const void* dy, void* dgate, void* dup);

// ---- native_losses.cu
struct NativeLosses {
  std::int64_t num_tokens, vocab;
  void* logits;
  const std::int32_t* targets;
  float z_weight;
  bool with_gradient;
  float* cross_entropy;
  float* z;
};
void token_losses(Queue& queue, OperandType type, const NativeLosses& losses);

}  // namespace reprise::numerics::cuda
