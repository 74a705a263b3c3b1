// Part after part takes its share of the places that the parts before it left. Of t places a part with c takes place i
// where floor((2ic + t) / 2t) grows from i to i + 1: each within half a place of where an even spread has it, which is
// how Bresenham draws a line. Both directions are one division a part:
//   taken before i:       floor((2ic + t) / 2t)
//   place of rank k:      ceil(t(2k + 1) / 2c) - 1
//   place of the k-th that is left, c' = t - c:  floor(t(2k + 1) / 2c')
#include "interleaving.h"

#include "reprise/core/error.h"

namespace reprise::data {
namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t taken_before(std::uint64_t i, std::uint64_t count, std::uint64_t total) {
  return static_cast<std::uint64_t>((Wide{2} * i * count + total) / (Wide{2} * total));
}

std::uint64_t place_of_taken(std::uint64_t rank, std::uint64_t count, std::uint64_t total) {
  const Wide twice = Wide{2} * count;
  return static_cast<std::uint64_t>((Wide{total} * (Wide{2} * rank + 1) + twice - 1) / twice - 1);
}

std::uint64_t place_of_left(std::uint64_t rank, std::uint64_t count, std::uint64_t total) {
  return static_cast<std::uint64_t>(Wide{total} * (Wide{2} * rank + 1) / (Wide{2} * (total - count)));
}

}  // namespace

Interleaving::Interleaving(std::vector<std::uint64_t> counts) : counts_(std::move(counts)), rests_(counts_.size() + 1) {
  for (std::size_t j = counts_.size(); j-- > 0;) rests_[j] = rests_[j + 1] + counts_[j];
  REPRISE_CHECK(size() < std::uint64_t{1} << 60);
}

Interleaving::Place Interleaving::at(std::uint64_t position) const {
  REPRISE_CHECK(position < size());
  for (std::size_t part = 0;; ++part) {
    if (counts_[part] == 0) continue;
    const std::uint64_t before = taken_before(position, counts_[part], rests_[part]);
    if (taken_before(position + 1, counts_[part], rests_[part]) > before) return {part, before};
    position -= before;
  }
}

std::uint64_t Interleaving::position(std::size_t part, std::uint64_t rank) const {
  REPRISE_CHECK(rank < counts_.at(part));
  std::uint64_t position = place_of_taken(rank, counts_[part], rests_[part]);
  for (std::size_t before = part; before-- > 0;) {
    if (counts_[before] > 0) position = place_of_left(position, counts_[before], rests_[before]);
  }
  return position;
}

}  // namespace reprise::data
