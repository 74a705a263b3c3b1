#pragma once
// A run of consecutive elements of a row-major array as a union of boxes: how a slice that cuts a tensor in the middle
// of a row is addressed in a dataset that has the tensor's true shape. Pure arithmetic.

#include <cstdint>
#include <span>
#include <vector>

namespace reprise::checkpoints {

struct Box {
  std::vector<std::uint64_t> start;
  std::vector<std::uint64_t> count;
  bool operator==(const Box&) const = default;
};

/// Returns disjoint boxes that together are the elements [begin, end) of an array of `shape`, in row-major order: at
/// most 2 * dimensions - 1 of them. An array without dimensions has one element and no boxes.
std::vector<Box> boxes_of_range(std::span<const std::int64_t> shape, std::uint64_t begin, std::uint64_t end);

}  // namespace reprise::checkpoints
