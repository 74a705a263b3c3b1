#pragma once
// Which keys a query may see, and what its scores become [C-40].

#include "attention.h"
#include "functions.h"
#include "language.h"

namespace reprise::numerics::cuda {

/// What all attention kernels are told.
struct AttentionCall {
  Index length, num_heads, num_kv_heads, dim;
  bool aligned;  // rows of a head can be read 16 bytes at a time
  float scale, softcap, inverse_cap;
  int window;                           // 0: none
  const std::int32_t* document_starts;  // null: one document
  bool biased;
  float slopes[kMostSlopes];
};

/// f(i) of [C-40]; queries beyond the end are taken as the last.
template <bool kPlain>
__device__ __forceinline__ int first_key(const AttentionCall& call, Index sequence, int query) {
  if (kPlain) return 0;
  const int last = static_cast<int>(call.length) - 1;
  if (query > last) query = last;
  const int document = call.document_starts == nullptr ? 0 : call.document_starts[sequence * call.length + query];
  const int start = call.window == 0 ? 0 : query - call.window + 1;
  return start > document ? start : document;
}

struct Score {
  float value;
  float derivative;  // of softcap; 1 without
};

template <bool kPlain>
__device__ __forceinline__ Score score_of(const AttentionCall& call, Index head, float dot, int query, int key) {
  Score score{__fmul_rn(dot, call.scale), 1.0f};
  if (kPlain) return score;
  if (call.softcap != 0.0f) {
    const float t = tanh_value(__fmul_rn(score.value, call.inverse_cap));
    score.value = __fmul_rn(call.softcap, t);
    score.derivative = __fmaf_rn(-t, t, 1.0f);
  }
  if (call.biased) score.value = __fmaf_rn(-call.slopes[head], __int2float_rn(query - key), score.value);
  return score;
}

}  // namespace reprise::numerics::cuda
