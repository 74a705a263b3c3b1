#pragma once
// A slow scalar reference of the exact operators, written from the clauses of docs/numeric_contract.md and nothing
// else: no blocking, no vectors, no code of the kernels. Every function mirrors one operator of
// reprise/numerics/kernels.h and must give the same bits.

#include <cstdint>
#include <functional>
#include <vector>

namespace reference {

using Index = std::int64_t;
using Floats = std::vector<float>;

// ---- Building blocks
/// GEMM rule [C-3] over the absolute indices [begin, end): terms are fma(a(k), b(k), sum), segments of 256.
float segmented_dot(Index begin, Index end, const std::function<float(Index)>& a, const std::function<float(Index)>& b);
/// Lane rule [C-4]: `accumulate(sum, i)` for i < count, the row extended to a multiple of 32.
float lane_sum(Index count, const std::function<float(float, Index)>& accumulate);
/// Row maximum [C-5].
float row_maximum(Index count, const std::function<float(Index)>& x);

// ---- Functions [C-6], [C-7], [C-8], [C-31] to [C-34]
float exp(float x);
float log(float x);
float sigmoid(float x);
float tanh(float x);
float erf(float x);
float sin(float x);
float cos(float x);
float rsqrt(float x);

// ---- Operators; shapes as in kernels.h, everything contiguous
struct Norm {
  Floats y, inverse_rms, dx, dweight;
};
Norm rms_norm(Index rows, Index dim, const Floats& x, const Floats& weight, float epsilon, const Floats& dy);

Floats rotate(Index sequences, Index length, Index heads, Index dim, bool backward, const Floats& x, const Floats& cos,
              const Floats& sin);

struct Gated {
  Floats y, dgate, dup;
};
Gated swiglu(const Floats& gate, const Floats& up, const Floats& dy);

Floats embedding_gradient(Index dim, Index vocab, const std::vector<std::int32_t>& ids, const Floats& dy);

struct Head {
  Floats cross_entropy, z, dh, dweight;
};
Head head_loss(Index tokens, Index dim, Index vocab, const Floats& h, const Floats& weight,
               const std::vector<std::int32_t>& targets, float z_weight);

float sum_of_squares(const Floats& x);
double tree_sum(const Floats& sums, Index begin, Index end);

struct Optimizer {
  float rate, beta1, beta2, epsilon, decay, correction1, correction2;
};
/// AdamW [C-17] of one element.
void adamw(const Optimizer& o, float g, float& w, float& m, float& v);

}  // namespace reference
