#pragma once
// The native profile's kernels on a GPU's queue: checks shapes and starts them.

#include "queue.h"
#include "reprise/numerics/native_kernels.h"

namespace reprise::numerics::cuda {

/// The queue must outlive it.
class CudaNativeKernels final : public NativeKernels {
 public:
  explicit CudaNativeKernels(Queue& queue) : queue_(queue) {}

  void norm_rotate_forward(const NativeNorm& norm, const NativeRotation& rotation, const void* x, void* y,
                           float* inverse_rms) override;
  void norm_rotate_backward(const NativeNorm& norm, const NativeRotation& rotation, const void* dy, const void* x,
                            const float* inverse_rms, void* dx, float* dweight) override;
  void norm_add_forward(const NativeNorm& norm, const float* residual, const void* x, float* sum,
                        float* inverse_rms) override;
  void norm_add_backward(const NativeNorm& norm, const float* dsum, const void* x, const float* inverse_rms, void* dx,
                         float* dweight) override;
  void norm_forward(const NativeNorm& norm, const float* x, void* y, float* inverse_rms) override;
  void norm_backward(const NativeNorm& norm, const void* dy, const float* x, const float* inverse_rms, float* dx,
                     float* dweight) override;
  void swiglu_forward(OperandType type, std::int64_t count, const void* gate, const void* up, void* y) override;
  void swiglu_backward(OperandType type, std::int64_t count, const void* gate, const void* up, const void* dy,
                       void* dgate, void* dup) override;
  void token_losses(OperandType type, std::int64_t num_tokens, std::int64_t vocab, void* logits,
                    const std::int32_t* targets, float z_weight, bool with_gradient, float* cross_entropy,
                    float* z) override;

 private:
  Queue& queue_;
};

}  // namespace reprise::numerics::cuda
