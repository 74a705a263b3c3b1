#pragma once
// Scalar reference of causal attention and its variants [C-12], [C-40]: one pair at a time, no blocking.

#include "reference.h"

namespace reference {

struct AttentionCase {
  Index sequences, length, heads, kv_heads, dim;
  float scale = 1.0f;
  Index window = 0;                                // 0: none
  float softcap = 0.0f;                            // 0: none
  Floats slopes = {};                              // [heads], or none
  std::vector<std::int32_t> document_starts = {};  // [sequences, length], or none

  /// The first key that query i of a sequence may see.
  Index first_key(Index sequence, Index i) const;
};

struct Attention {
  Floats out, row_max, row_sum, dq, dk, dv;
};
/// q, dout are [sequences, length, heads, dim], k and v [sequences, length, kv_heads, dim].
Attention attention(const AttentionCase& shape, const Floats& q, const Floats& k, const Floats& v, const Floats& dout);

}  // namespace reference
