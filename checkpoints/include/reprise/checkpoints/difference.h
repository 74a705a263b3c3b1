#pragma once
// Where two checkpoints begin to differ.

#include <cstdint>
#include <optional>
#include <string>

#include "reprise/checkpoints/checkpoint.h"

namespace reprise::checkpoints {

struct Difference {
  enum class Where { kLayout, kWeights, kFirstMoments, kSecondMoments };
  Where where = Where::kWeights;
  std::string tensor;             // kLayout: what differs, in words
  std::int64_t chunk = 0;         // of the tensor
  std::int64_t element = -1;      // of the tensor; -1 when one file does not hold the values
  float a = 0;                    // values of the element
  float b = 0;
  std::int64_t differing_chunks = 0;  // of the whole state
};

/// Returns the first tensor, chunk and element (weights, first moments, second moments, in the order of the layout) in
/// which two states differ by their bits, or nothing when they are the same state. Headers are not compared, nor moments
/// where one has none, as an average (read_model).
std::optional<Difference> first_difference(const LoadedCheckpoint& a, const LoadedCheckpoint& b);

/// Returns the name of a part: "layout", "weights", "first_moments", "second_moments".
std::string_view to_string(Difference::Where where) noexcept;

}  // namespace reprise::checkpoints
