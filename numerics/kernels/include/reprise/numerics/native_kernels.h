#pragma once
// What the native profile computes on a GPU beside LibTorch's products and attention: the operators between them, each
// of which reads and writes its activations once. Their bits are the same for the same values and shapes, whatever else
// runs, but not those of the numeric contract.
//
// Activations are of the operand type, the one that products take, where the type is void: float32, or bfloat16,
// rounded to nearest even. All arithmetic is float32. Pointers are to the device's memory, those of activations aligned
// to 16 bytes; work is done in the order of the calls, as Device's. Legend: D a row's elements, V the vocabulary.

#include <cstdint>

namespace reprise::numerics {

enum class OperandType { kFloat32, kBfloat16 };

/// RMSNorm (Zhang and Sennrich 2019) of num_rows rows of dim elements: y = x * inverse_rms * weight.
struct NativeNorm {
  OperandType type = OperandType::kFloat32;
  std::int64_t num_rows = 0;
  std::int64_t dim = 0;
  const float* weight = nullptr;  // [D]
  float epsilon = 0;
};

/// Rotation of the pairs (i, i + head_dim / 2) of each head behind the norm (Su et al. 2021), as RotaryPairs::kHalves.
/// Row r stands at position r % length.
struct NativeRotation {
  std::int64_t length = 0;
  std::int64_t head_dim = 0;   // even; divides D
  const float* cos = nullptr;  // [length, head_dim / 2]
  const float* sin = nullptr;
};

class NativeKernels {
 public:
  virtual ~NativeKernels() = default;
  NativeKernels(const NativeKernels&) = delete;
  NativeKernels& operator=(const NativeKernels&) = delete;

  // ---- Norms. inverse_rms[num_rows] is what a backward pass needs again. dweight[D] is a sum over rows in an order
  // that the shape alone decides.

  /// y = rotation(norm(x)); x, y of the operand type.
  virtual void norm_rotate_forward(const NativeNorm& norm, const NativeRotation& rotation, const void* x, void* y,
                                   float* inverse_rms) = 0;
  virtual void norm_rotate_backward(const NativeNorm& norm, const NativeRotation& rotation, const void* dy,
                                    const void* x, const float* inverse_rms, void* dx, float* dweight) = 0;

  /// sum = residual + norm(x); x of the operand type, residual and sum float32.
  virtual void norm_add_forward(const NativeNorm& norm, const float* residual, const void* x, float* sum,
                                float* inverse_rms) = 0;
  /// The residual's gradient is dsum itself; dx of the operand type.
  virtual void norm_add_backward(const NativeNorm& norm, const float* dsum, const void* x, const float* inverse_rms,
                                 void* dx, float* dweight) = 0;

  /// y = norm(x); x float32, y of the operand type.
  virtual void norm_forward(const NativeNorm& norm, const float* x, void* y, float* inverse_rms) = 0;
  virtual void norm_backward(const NativeNorm& norm, const void* dy, const float* x, const float* inverse_rms,
                             float* dx, float* dweight) = 0;

  // ---- Feed-forward: y = silu(gate) * up (Shazeer 2020), all of the operand type; `count` elements.
  virtual void swiglu_forward(OperandType type, std::int64_t count, const void* gate, const void* up, void* y) = 0;
  virtual void swiglu_backward(OperandType type, std::int64_t count, const void* gate, const void* up, const void* dy,
                               void* dgate, void* dup) = 0;

  // ---- Head: the losses of num_tokens rows of logits [num_tokens, V] of the operand type. A negative target has
  // losses of 0. With `with_gradient` the logits become the gradient of sum(cross_entropy + z_weight * z) by them,
  // z = log(sum(exp(logits)))^2; a row with a negative target becomes zeros.
  virtual void token_losses(OperandType type, std::int64_t num_tokens, std::int64_t vocab, void* logits,
                            const std::int32_t* targets, float z_weight, bool with_gradient, float* cross_entropy,
                            float* z) = 0;

 protected:
  NativeKernels() = default;
};

}  // namespace reprise::numerics
