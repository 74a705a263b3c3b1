#pragma once
// Causal self-attention [C-12] and its variants [C-40]: grouped queries, sliding window, ALiBi, softcap, document mask,
// in any combination. Row-major float32, single-threaded, re-entrant.
//
// Legend: B sequences, T positions of a sequence, H query heads, G key-value heads (G divides H), E head size.

#include <cstdint>
#include <span>

namespace reprise::numerics {

struct AttentionShape {
  std::int64_t num_sequences;
  std::int64_t length;
  std::int64_t num_heads;
  std::int64_t num_kv_heads;  // query head h reads key-value head h / (num_heads / num_kv_heads)
  std::int64_t head_dim;
};

/// What is asked for beside plain causal attention; by default nothing.
struct AttentionOptions {
  float scale = 1.0f;                             // usually 1/sqrt(E) rounded to float32
  std::int64_t window = 0;                        // a query sees this many keys, itself included; 0: all before it
  float softcap = 0.0f;                           // scores become softcap * tanh(score / softcap); 0: none
  const float* alibi_slopes = nullptr;            // [H]; null: no bias
  const std::int32_t* document_starts = nullptr;  // [B,T]: where the document of each token starts; null: one document
};

/// q, out are [B,T,H*E], k and v [B,T,G*E]; row_max[B,H,T] and row_sum[B,H,T] are kept for the backward pass.
/// Throws Error(kInternal) when the shape or an option makes no sense, document starts that decrease or lie beyond
/// their token included.
void attention_forward(const AttentionShape& shape, const AttentionOptions& options, const float* q, const float* k,
                       const float* v, float* out, float* row_max, float* row_sum);
/// dq is [B,T,H*E], dk and dv [B,T,G*E].
void attention_backward(const AttentionShape& shape, const AttentionOptions& options, const float* q, const float* k,
                        const float* v, const float* out, const float* row_max, const float* row_sum, const float* dout,
                        float* dq, float* dk, float* dv);

/// The same without options and with as many key-value heads as query heads.
void attention_forward(std::int64_t num_sequences, std::int64_t length, std::int64_t num_heads, std::int64_t head_dim,
                       float scale, const float* q, const float* k, const float* v, float* out, float* row_max,
                       float* row_sum);
void attention_backward(std::int64_t num_sequences, std::int64_t length, std::int64_t num_heads, std::int64_t head_dim,
                        float scale, const float* q, const float* k, const float* v, const float* out,
                        const float* row_max, const float* row_sum, const float* dout, float* dq, float* dk, float* dv);

/// Fills the standard slopes of ALiBi, one per query head.
void alibi_slopes(std::span<float> slopes);

}  // namespace reprise::numerics
