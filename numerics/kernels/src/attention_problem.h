#pragma once
// One head of one sequence, as the attention kernels take it. Pointers are at its first row; rows lie `stride` apart.

#include <cstdint>

namespace reprise::numerics {

struct ForwardHead {
  std::int64_t length, dim, stride;
  float scale;
  const float *q, *k, *v;
  float *out, *row_max, *row_sum;
};

struct BackwardHead {
  std::int64_t length, dim, stride;
  float scale;
  const float *q, *k, *v, *out, *row_max, *row_sum, *dout;
  float *dq, *dk, *dv;
};

}  // namespace reprise::numerics
