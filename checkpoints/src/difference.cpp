#include "reprise/checkpoints/difference.h"

#include <array>
#include <bit>

namespace reprise::checkpoints {
namespace {

using Where = Difference::Where;

struct ComparedPart {
  Where where;
  std::vector<Digest> StateDigests::*digests;
  std::vector<float> LoadedCheckpoint::*values;
};

constexpr std::array<ComparedPart, 3> kComparedParts{{
    {Where::kWeights, &StateDigests::weights, &LoadedCheckpoint::weights},
    {Where::kFirstMoments, &StateDigests::first_moments, &LoadedCheckpoint::first_moments},
    {Where::kSecondMoments, &StateDigests::second_moments, &LoadedCheckpoint::second_moments},
}};

std::optional<Difference> layout_difference(const TensorLayout& a, const TensorLayout& b) {
  Difference difference;
  difference.where = Where::kLayout;
  if (a.entries().size() != b.entries().size()) {
    difference.tensor = fmt::format("{} tensors and {}", a.entries().size(), b.entries().size());
    return difference;
  }
  for (std::size_t i = 0; i < a.entries().size(); ++i) {
    const TensorSpec& left = a.entries()[i].spec;
    const TensorSpec& right = b.entries()[i].spec;
    if (left.name == right.name && left.shape == right.shape) continue;
    difference.tensor = left.name == right.name ? fmt::format("the shape of {}", left.name)
                                                : fmt::format("{} and {}", left.name, right.name);
    return difference;
  }
  return std::nullopt;
}

void locate_element(const std::vector<float>& a, const std::vector<float>& b, const TensorLayout& layout,
                    std::int64_t chunk, Difference& difference) {
  if (a.empty() || b.empty()) return;  // moments that a file does not store
  const auto start = static_cast<std::size_t>(chunk * kChunkElements);
  for (std::int64_t i = 0; i < layout.elements_in_chunk(chunk); ++i) {
    const auto at = start + static_cast<std::size_t>(i);
    if (std::bit_cast<std::uint32_t>(a[at]) == std::bit_cast<std::uint32_t>(b[at])) continue;
    difference.element = difference.chunk * kChunkElements + i;
    difference.a = a[at];
    difference.b = b[at];
    return;
  }
}

}  // namespace

std::string_view to_string(Where where) noexcept {
  switch (where) {
    case Where::kLayout: return "layout";
    case Where::kWeights: return "weights";
    case Where::kFirstMoments: return "first_moments";
    case Where::kSecondMoments: return "second_moments";
  }
  return "layout";
}

std::optional<Difference> first_difference(const LoadedCheckpoint& a, const LoadedCheckpoint& b) {
  std::optional<Difference> found = layout_difference(a.layout, b.layout);
  if (found) return found;
  for (const ComparedPart& part : kComparedParts) {
    const std::vector<Digest>& left = a.digests.*part.digests;
    const std::vector<Digest>& right = b.digests.*part.digests;
    if (left.empty() || right.empty()) continue;  // of an average
    for (std::int64_t chunk = 0; chunk < a.layout.num_chunks(); ++chunk) {
      if (left[static_cast<std::size_t>(chunk)] == right[static_cast<std::size_t>(chunk)]) continue;
      if (found) {
        ++found->differing_chunks;
        continue;
      }
      const TensorLayout::Entry& entry = a.layout.entry_of_chunk(chunk);
      found = Difference{part.where, entry.spec.name, chunk - entry.first_chunk, -1, 0, 0, 1};
      locate_element(a.*part.values, b.*part.values, a.layout, chunk, *found);
    }
  }
  return found;
}

}  // namespace reprise::checkpoints
