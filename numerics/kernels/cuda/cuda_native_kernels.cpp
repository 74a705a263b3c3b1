#include "cuda_native_kernels.h"

#include <limits>

#include "native.h"
#include "reprise/core/error.h"

namespace reprise::numerics::cuda {
namespace {

constexpr std::int64_t kMostRows = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kLongestRow = std::numeric_limits<std::int32_t>::max() / 2;  // room for a step of all threads

void check(const NativeNorm& norm) {
  REPRISE_CHECK(0 <= norm.num_rows && norm.num_rows <= kMostRows);
  REPRISE_CHECK(0 < norm.dim && norm.dim <= kLongestRow);
}

void check(const NativeNorm& norm, const NativeRotation& rotation) {
  check(norm);
  REPRISE_CHECK(0 < rotation.length && rotation.length <= kMostRows);
  REPRISE_CHECK(0 < rotation.head_dim && rotation.head_dim % 2 == 0);
  REPRISE_CHECK_EQ(norm.dim % rotation.head_dim, 0);
}

/// Activations go in accesses of 16 bytes.
template <typename... Pointers>
void check_aligned(const Pointers*... activations) {
  constexpr std::uintptr_t kAlignment = 16;
  REPRISE_CHECK(((reinterpret_cast<std::uintptr_t>(activations) % kAlignment == 0) && ...));
}

}  // namespace

void CudaNativeKernels::norm_rotate_forward(const NativeNorm& norm, const NativeRotation& rotation, const void* x,
                                            void* y, float* inverse_rms) {
  check(norm, rotation);
  check_aligned(x, y);
  cuda::norm_rotate_forward(queue_, norm, rotation, x, y, inverse_rms);
}

void CudaNativeKernels::norm_rotate_backward(const NativeNorm& norm, const NativeRotation& rotation, const void* dy,
                                             const void* x, const float* inverse_rms, void* dx, float* dweight) {
  check(norm, rotation);
  check_aligned(dy, x, dx);
  cuda::norm_rotate_backward(queue_, norm, rotation, dy, x, inverse_rms, dx, dweight);
}

void CudaNativeKernels::norm_add_forward(const NativeNorm& norm, const float* residual, const void* x, float* sum,
                                         float* inverse_rms) {
  check(norm);
  check_aligned(residual, x, sum);
  cuda::norm_add_forward(queue_, norm, residual, x, sum, inverse_rms);
}

void CudaNativeKernels::norm_add_backward(const NativeNorm& norm, const float* dsum, const void* x,
                                          const float* inverse_rms, void* dx, float* dweight) {
  check(norm);
  check_aligned(dsum, x, dx);
  cuda::norm_add_backward(queue_, norm, dsum, x, inverse_rms, dx, dweight);
}

void CudaNativeKernels::norm_forward(const NativeNorm& norm, const float* x, void* y, float* inverse_rms) {
  check(norm);
  check_aligned(x, y);
  cuda::norm_forward(queue_, norm, x, y, inverse_rms);
}

void CudaNativeKernels::norm_backward(const NativeNorm& norm, const void* dy, const float* x, const float* inverse_rms,
                                      float* dx, float* dweight) {
  check(norm);
  check_aligned(dy, x, dx);
  cuda::norm_backward(queue_, norm, dy, x, inverse_rms, dx, dweight);
}

void CudaNativeKernels::swiglu_forward(OperandType type, std::int64_t count, const void* gate, const void* up,
                                       void* y) {
  REPRISE_CHECK(count >= 0);
  check_aligned(gate, up, y);
  cuda::swiglu_forward(queue_, type, count, gate, up, y);
}

void CudaNativeKernels::swiglu_backward(OperandType type, std::int64_t count, const void* gate, const void* up,
                                        const void* dy, void* dgate, void* dup) {
  REPRISE_CHECK(count >= 0);
  check_aligned(gate, up, dy, dgate, dup);
  cuda::swiglu_backward(queue_, type, count, gate, up, dy, dgate, dup);
}

void CudaNativeKernels::token_losses(OperandType type, std::int64_t num_tokens, std::int64_t vocab, void* logits,
                                     const std::int32_t* targets, float z_weight, bool with_gradient,
                                     float* cross_entropy, float* z) {
  REPRISE_CHECK(0 <= num_tokens && num_tokens <= kMostRows);
  REPRISE_CHECK(0 < vocab && vocab <= kLongestRow);
  check_aligned(logits);
  cuda::token_losses(queue_, type, {num_tokens, vocab, logits, targets, z_weight, with_gradient, cross_entropy, z});
}

}  // namespace reprise::numerics::cuda
