#pragma once
// The exact profile's operators on raw float32 pointers: row-major, no LibTorch, single-threaded, re-entrant; callers
// divide the work among threads by grain. The definition of each is a clause of docs/numeric_contract.md, cited as
// [C-n]; tests compare each with an independent scalar reference bit for bit on every target.
//
// Legend: B sequences, T positions of a sequence, N = B*T tokens, D hidden size, H heads, E head size (D = H*E),
// F feed-forward width, V vocabulary. Outputs are overwritten, never accumulated into, unless said.

#include <cstdint>
#include <span>

#include "reprise/numerics/activation.h"
#include "reprise/numerics/attention.h"
#include "reprise/numerics/dropout.h"
#include "reprise/numerics/linear.h"
#include "reprise/numerics/norm.h"
#include "reprise/numerics/rotary.h"

namespace reprise::numerics {

// ---- Matrix products [GEMM clause]: one accumulator per output, fma over ascending k inside segments of
// kGemmSegment, segment sums added left to right.
inline constexpr std::int64_t kGemmSegment = 256;

/// c[m,n] = sum_k a[m,k] * b[n,k]        (y = x W^T)
void gemm_nt(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, std::int64_t lda, const float* b,
             std::int64_t ldb, float* c, std::int64_t ldc);
/// One weight of a joint projection and its output.
struct GemmOutput {
  const float* b;  // [n,k]
  std::int64_t ldb;
  std::int64_t n;
  float* c;  // [m,n]
  std::int64_t ldc;
};
/// gemm_nt for each output with the same a, which is read and packed once: q, k, v of x. 1 to 8 outputs; kInternal for
/// none or more.
void gemm_nt_joint(std::int64_t m, std::int64_t k, const float* a, std::int64_t lda,
                   std::span<const GemmOutput> outputs);
/// c[m,n] = sum_k a[m,k] * b[k,n]        (dx = dy W)
void gemm_nn(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, std::int64_t lda, const float* b,
             std::int64_t ldb, float* c, std::int64_t ldc);
/// c[m,n] = sum_k a[k,m] * b[k,n]        (dW = dy^T x; k runs over the tokens of one grain)
void gemm_tn(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, std::int64_t lda, const float* b,
             std::int64_t ldb, float* c, std::int64_t ldc);

/// One operand pair of a product over a concatenated axis.
struct GemmPart {
  const float* a;
  std::int64_t lda;
  const float* b;
  std::int64_t ldb;
  std::int64_t k;
};
/// c[m,n] = sum over the concatenated k of all parts, in order; segments run over the concatenated index.
/// The input gradient of a joint projection: dx = [dq dk dv] [Wq; Wk; Wv].
void gemm_nn_concatenated(std::int64_t m, std::int64_t n, std::span<const GemmPart> parts, float* c, std::int64_t ldc);

// ---- Embedding
/// y[N,D] = table[ids[i]]
void embedding_forward(std::int64_t num_tokens, std::int64_t dim, const std::int32_t* ids, const float* table,
                       float* y);
/// dtable[V,D]: zero, then dy rows added by token id, positions ascending.
void embedding_backward(std::int64_t num_tokens, std::int64_t dim, std::int64_t vocab, const std::int32_t* ids,
                        const float* dy, float* dtable);

#include "reprise/numerics/activation.h"
#include "reprise/numerics/attention.h"
#include "reprise/numerics/dropout.h"

// ---- Elementwise
/// out = a + b (out may be a or b)
void add(std::int64_t count, const float* a, const float* b, float* out);
/// x *= factor, or x /= divisor (IEEE division)
void scale_in_place(std::int64_t count, float factor, float* x);
void divide_in_place(std::int64_t count, float divisor, float* x);
/// Returns the index of the first NaN or infinity, or -1.
std::int64_t find_non_finite(std::int64_t count, const float* x);

// ---- LM head, cross-entropy and z-loss, in chunks of tokens so that full logits are never kept.
/// cross_entropy[N] = logsumexp(h W^T) - logit[target]; z[N] = logsumexp^2 (not multiplied by the weight).
/// A negative target is no target: both are 0 and it gives no gradient.
void head_loss_forward(std::int64_t num_tokens, std::int64_t dim, std::int64_t vocab, const float* h,
                       const float* weight, const std::int32_t* targets, float* cross_entropy, float* z);
/// The same, and the gradients dh[N,D], dweight[V,D] of sum(cross_entropy + z_weight * z). h has to be finite, also where
/// there is no target: 0 times its row is added to dweight.
void head_loss_forward_backward(std::int64_t num_tokens, std::int64_t dim, std::int64_t vocab, const float* h,
                                const float* weight, const std::int32_t* targets, float z_weight, float* cross_entropy,
                                float* z, float* dh, float* dweight);

// ---- Gradient norm and AdamW
/// Returns the sum of squares of one chunk (at most 4096 elements) by lanes and tree [norm clause].
float chunk_sum_of_squares(std::int64_t count, const float* x);
/// Adds chunk sums by the tree over the chunk index, in binary64; the norm is its square root.
double sum_chunks(std::span<const float> chunk_sums);

struct AdamWStep {
  float learning_rate;
  float beta1;
  float beta2;
  float epsilon;
  float weight_decay;      // 0 for tensors that do not decay
  float bias_correction1;  // 1 - beta1^t, computed in binary64 by repeated multiplication and rounded once
  float bias_correction2;
};
/// Updates w, m, v from g (already divided by the number of targets and clipped).
void adamw_update(std::int64_t count, const AdamWStep& step, const float* g, float* w, float* m, float* v);

}  // namespace reprise::numerics
