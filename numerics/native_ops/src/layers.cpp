#include "layers.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/rms_norm.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/silu.h>

namespace reprise::native_ops {
namespace {

at::Tensor heads_first(const at::Tensor& x, std::int64_t num_heads) {
  return x.view({x.size(0), x.size(1), num_heads, x.size(2) / num_heads}).transpose(1, 2);
}

/// Which keys a query sees, [B,1,T,T]: those of its document that do not come after it.
at::Tensor visible_keys(const at::Tensor& document_starts) {
  const at::Tensor position = at::arange(document_starts.size(1), document_starts.options());
  const at::Tensor query = position.view({1, 1, -1, 1});
  const at::Tensor key = position.view({1, 1, 1, -1});
  return key.le(query).logical_and(key.ge(document_starts.unsqueeze(1).unsqueeze(3)));
}

}  // namespace

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, at::ScalarType type) {
  return at::linear(x.to(type), weight.to(type)).to(at::kFloat);
}

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, float epsilon) {
  return at::rms_norm(x, weight.sizes(), weight, static_cast<double>(epsilon));
}

at::Tensor rope(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
  const std::int64_t length = x.size(1);
  const std::int64_t half = cos.size(1);
  const at::Tensor by_head = x.view({x.size(0), length, -1, 2 * half});
  const at::Tensor c = cos.narrow(0, 0, length).unsqueeze(1);
  const at::Tensor s = sin.narrow(0, 0, length).unsqueeze(1);
  const at::Tensor first = by_head.narrow(3, 0, half);
  const at::Tensor second = by_head.narrow(3, half, half);
  return at::cat({first * c - second * s, second * c + first * s}, 3).view(x.sizes());
}

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t num_heads,
                     const at::Tensor& document_starts, at::ScalarType type) {
  return attention_of_operands(q.to(type), k.to(type), v.to(type), num_heads, document_starts).to(at::kFloat);
}

at::Tensor attention_of_operands(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t num_heads,
                                 const at::Tensor& document_starts) {
  std::optional<at::Tensor> mask;
  if (document_starts.defined()) mask = visible_keys(document_starts);
  const at::Tensor mixed = at::scaled_dot_product_attention(heads_first(q, num_heads), heads_first(k, num_heads),
                                                            heads_first(v, num_heads), mask, /*dropout_p=*/0.0,
                                                            /*is_causal=*/!mask.has_value());
  return mixed.transpose(1, 2).reshape(q.sizes());
}

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) { return at::silu(gate) * up; }

}  // namespace reprise::native_ops
