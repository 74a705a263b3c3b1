#include "selection.h"

namespace reprise::checkpoints {
namespace {

/// Appends the boxes of [begin, end), counted from the corner `prefix` of the array, over the dimensions that are left.
void append_boxes(std::span<const std::int64_t> shape, const std::vector<std::uint64_t>& prefix, std::uint64_t begin,
                  std::uint64_t end, std::vector<Box>& boxes) {
  if (begin >= end) return;
  const std::size_t depth = prefix.size();
  std::uint64_t row = 1;  // elements below one index of this dimension
  for (std::size_t d = depth + 1; d < shape.size(); ++d) row *= static_cast<std::uint64_t>(shape[d]);
  const std::uint64_t first_whole = (begin + row - 1) / row;
  const std::uint64_t last_whole = end / row;
  const auto inside = [&](std::uint64_t index, std::uint64_t from, std::uint64_t to) {
    std::vector<std::uint64_t> longer = prefix;
    longer.push_back(index);
    append_boxes(shape, longer, from, to, boxes);
  };
  if (first_whole > last_whole) {  // both ends in one row
    inside(begin / row, begin % row, end % row);
    return;
  }
  if (begin % row != 0) inside(begin / row, begin % row, row);
  if (last_whole > first_whole) {
    Box box{prefix, std::vector<std::uint64_t>(depth, 1)};
    box.start.push_back(first_whole);
    box.count.push_back(last_whole - first_whole);
    for (std::size_t d = depth + 1; d < shape.size(); ++d) {
      box.start.push_back(0);
      box.count.push_back(static_cast<std::uint64_t>(shape[d]));
    }
    boxes.push_back(std::move(box));
  }
  if (end % row != 0) inside(last_whole, 0, end % row);
}

}  // namespace

std::vector<Box> boxes_of_range(std::span<const std::int64_t> shape, std::uint64_t begin, std::uint64_t end) {
  std::vector<Box> boxes;
  if (!shape.empty()) append_boxes(shape, {}, begin, end, boxes);
  return boxes;
}

}  // namespace reprise::checkpoints
