#pragma once
// What the layers of a decoder are in LibTorch's operators. Values between them are float32.

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace reprise::native_ops {

/// Returns x W^T with operands of `type`, as float32.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, at::ScalarType type);

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, float epsilon);

/// Rotates each head of x [B,T,H*E], the head size being twice the width of the tables.
at::Tensor rope(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin);

/// Causal attention over q, k, v [B,T,H*E] with operands of `type`, as float32. `document_starts`: int32 [B,T], or
/// undefined where all of a sequence is one document.
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t num_heads,
                     const at::Tensor& document_starts, at::ScalarType type);

/// The same for operands, of whose type the result is.
at::Tensor attention_of_operands(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t num_heads,
                                 const at::Tensor& document_starts);

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up);

}  // namespace reprise::native_ops
