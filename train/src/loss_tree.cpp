#include "loss_tree.h"

#include <bit>
#include <cstddef>

namespace reprise::train {

double sum_in_order(std::span<const float> losses) {
  double sum = 0;
  for (float loss : losses) sum += static_cast<double>(loss);
  return sum;
}

double sum_by_tree(std::span<const double> values) {
  if (values.size() == 1) return values[0];
  const std::size_t split = std::bit_floor(values.size() - 1);
  return sum_by_tree(values.first(split)) + sum_by_tree(values.subspan(split));
}

}  // namespace reprise::train
