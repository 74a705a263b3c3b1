#pragma once
// The families of operator_cells.h by what they need.

#include <cstdint>
#include <span>
#include <vector>

#include "operator_cells.h"
#include "reprise/numerics/device_memory.h"

namespace reprise::conformance {

std::span<const OperatorFamily> product_families();  // linear layers, embedding, head
std::span<const OperatorFamily> row_families();      // norms, rotary, elementwise, optimizer, functions
std::span<const OperatorFamily> attention_families();

/// Returns a size whose logarithm is about uniform, so that small ones and edges are met.
inline std::int64_t any_size(RandomStream& random, std::int64_t highest) {
  std::int64_t bound = 1;
  while (bound < highest && random.word() % 8 != 0) bound *= 2;
  return random.integer(1, bound < highest ? bound : highest);
}

/// One call's outputs on one device.
class Outputs {
 public:
  explicit Outputs(numerics::Device& device) : memory_(device) {}
  numerics::DeviceMemory& memory() { return memory_; }
  float* add(std::int64_t count) {
    pieces_.push_back({memory_.output(count), count});
    return pieces_.back().data;
  }
  /// An argument that the call changes.
  float* add_changed(const std::vector<float>& values) {
    pieces_.push_back({memory_.copy_of(values), static_cast<std::int64_t>(values.size())});
    return pieces_.back().data;
  }
  std::vector<float> read() {
    std::vector<float> all;
    for (const Piece& piece : pieces_) {
      const std::vector<float> values = memory_.values(piece.data, piece.count);
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  }

 private:
  struct Piece {
    float* data;
    std::int64_t count;
  };
  numerics::DeviceMemory memory_;
  std::vector<Piece> pieces_;
};

}  // namespace reprise::conformance
