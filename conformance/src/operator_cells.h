#pragma once
// Every operator of numerics::Device over random shapes and values: a cell is one call, whose outputs two devices are
// compared by.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "random_stream.h"
#include "reprise/numerics/device.h"

namespace reprise::conformance {

/// How large the shapes are: kSmall for an emulated device, kFull for a GPU.
enum class CellSize { kSmall, kFull };

struct Cell {
  std::string description;  // "attention_forward B=2 T=77 H=4 G=2 E=64 window=9"
  /// Runs it on a device and returns all outputs, one after the other.
  std::function<std::vector<float>(numerics::Device& device)> run;
};

struct OperatorFamily {
  std::string_view name;
  Cell (*make)(RandomStream& random, CellSize size);
};

/// Returns all operators; each method of Device that computes is in one of them.
std::span<const OperatorFamily> operator_families();

/// Returns cell `index` of all cells: families take turns. A function of its arguments alone.
Cell make_cell(std::uint32_t index, CellSize size);

/// Returns the bits with every NaN as 0x7fc00000.
std::uint32_t comparable_bits(float x);

}  // namespace reprise::conformance
