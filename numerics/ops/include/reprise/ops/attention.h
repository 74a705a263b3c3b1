#pragma once
// Causal self-attention [C-12] and its variants [C-40].

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace reprise::ops {

/// numerics::AttentionOptions with values of its own, for the backward pass needs them again. By default nothing is
/// asked for beside plain causal attention.
struct AttentionOptions {
  std::int64_t num_kv_heads = 0;    // 0: as many as query heads
  float scale = 0.0f;               // 0: 1/sqrt(E) rounded to float32
  std::int64_t window = 0;          // a query sees this many keys, itself included; 0: all before it
  float softcap = 0.0f;             // 0: none
  std::vector<float> alibi_slopes;  // one per query head; empty: no bias
  at::Tensor document_starts;       // int32 [B,T], constant; undefined: one document
};

/// Returns attention over q [B,T,H*E] and k, v [B,T,G*E], G key-value heads.
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t num_heads,
                     const AttentionOptions& options = {});

}  // namespace reprise::ops
