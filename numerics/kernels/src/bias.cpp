// The bias of a linear layer [C-36]: one addition per element, and column sums for its gradient.

#include "dispatch.h"
#include "reprise/numerics/linear.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bias.cpp"
#include <hwy/foreach_target.h>

#include "column_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

void add_bias_to_rows(Index num_rows, Index dim, const float* bias, float* y) {
  for (Index row = 0; row < num_rows; ++row) {
    float* y_row = y + row * dim;
    for (Index d = 0; d < dim; d += kWidth) {
      const Index count = dim - d;
      store_some(hn::Add(load_some(y_row + d, count), load_some(bias + d, count)), y_row + d, count);
    }
  }
}

void sum_gradient_rows(Index num_rows, Index dim, const float* dy, float* dbias) {
  sum_columns(
      num_rows, dim,
      [=](Index row, Index column, Index count, Vector sum)
          HWY_ATTR { return hn::Add(sum, load_some(dy + row * dim + column, count)); },
      dbias);
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::numerics {

void add_bias(std::int64_t num_rows, std::int64_t dim, const float* bias, float* y) {
  REPRISE_DISPATCH(add_bias_to_rows)(num_rows, dim, bias, y);
}

void bias_gradient(std::int64_t num_rows, std::int64_t dim, const float* dy, float* dbias) {
  REPRISE_DISPATCH(sum_gradient_rows)(num_rows, dim, dy, dbias);
}

}  // namespace reprise::numerics
#endif  // HWY_ONCE
