#include "operator_cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <memory>

#include "cell_families.h"

namespace reprise::conformance {

std::span<const OperatorFamily> operator_families() {
  static const std::vector<OperatorFamily> all = [] {
    std::vector<OperatorFamily> families;
    for (const std::span<const OperatorFamily> some : {product_families(), row_families(), attention_families()}) {
      families.insert(families.end(), some.begin(), some.end());
    }
    return families;
  }();
  return all;
}

Cell make_cell(std::uint32_t index, CellSize size) {
  const std::span<const OperatorFamily> families = operator_families();
  const OperatorFamily& family = families[index % families.size()];
  RandomStream random(1, index);
  Cell cell = family.make(random, size);
  cell.description = fmt::format("{} {}", family.name, cell.description);
  return cell;
}

std::uint32_t comparable_bits(float x) { return std::isnan(x) ? 0x7fc00000u : std::bit_cast<std::uint32_t>(x); }

}  // namespace reprise::conformance
