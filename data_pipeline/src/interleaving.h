#pragma once
// Several counts spread over one row of places, each as evenly as it can be: place to (part, rank) and back in a few
// divisions, whatever the counts. docs/formats/shard.md, "Groups and stages".

#include <cstddef>
#include <cstdint>
#include <vector>

namespace reprise::data {

class Interleaving {
 public:
  struct Place {
    std::size_t part = 0;    // index into the counts
    std::uint64_t rank = 0;  // which of the part's, from 0
  };

  /// `counts`: places of each part, their sum below 2^60; parts with 0 have none.
  explicit Interleaving(std::vector<std::uint64_t> counts);

  std::uint64_t size() const { return rests_.front(); }
  /// What stands at `position`, below size().
  Place at(std::uint64_t position) const;
  /// Where `rank` of `part` stands. Ranks of a part stand in ascending order.
  std::uint64_t position(std::size_t part, std::uint64_t rank) const;

 private:
  std::vector<std::uint64_t> counts_;
  std::vector<std::uint64_t> rests_;  // rests_[j]: sum of the counts from j on
};

}  // namespace reprise::data
