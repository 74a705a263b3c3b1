#include "layers.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/rms_norm.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/silu.h>

namespace reprise::native_ops {
namespace {

at::Tensor heads_first(const at::Tensor& x, std::int64_t num_heads, at::ScalarType type) {
  return x.view({x.size(0), x.size(1), num_heads, x.size(2) / num_heads}).transpose(1, 2).to(type);
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
                     at::ScalarType type) {
  const at::Tensor mixed = at::scaled_dot_product_attention(
      heads_first(q, num_heads, type), heads_first(k, num_heads, type), heads_first(v, num_heads, type),
      /*attn_mask=*/{}, /*dropout_p=*/0.0, /*is_causal=*/true);
  return mixed.transpose(1, 2).to(at::kFloat).reshape(q.sizes());
}

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) { return at::silu(gate) * up; }

}  // namespace reprise::native_ops
