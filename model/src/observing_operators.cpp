#include "observing_operators.h"

#include <fmt/format.h>

namespace reprise::model {

at::Tensor ObservingOperators::embedding(const at::Tensor& ids, const ops::Parameter& table) const {
  at::Tensor result = inner_.embedding(ids, table);
  see_("embedding", result);
  return result;
}

at::Tensor ObservingOperators::residual_add(const at::Tensor& residual, const at::Tensor& branch) const {
  const std::size_t layer = num_residuals_ / 2;
  const bool is_attention = num_residuals_ % 2 == 0;
  ++num_residuals_;
  see_(fmt::format("layers.{}.{}", layer, is_attention ? "attention" : "feed_forward"), branch);
  at::Tensor result = inner_.residual_add(residual, branch);
  if (!is_attention) see_(fmt::format("layers.{}.residual", layer), result);
  return result;
}

}  // namespace reprise::model
