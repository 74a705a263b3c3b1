#pragma once
// Mean, deviation and extremes of many values, added up in one order.

#include <cstdint>
#include <span>

#include "reprise/train/statistics.h"

namespace reprise::train {

/// Takes values in any number of calls; what comes out depends on their order and on where calls end, and on nothing
/// else.
class SpreadSum {
 public:
  void add(std::span<const float> values);
  /// Adds values[i] - before[i], each difference rounded once to binary64.
  void add_difference(std::span<const float> values, std::span<const float> before);
  /// Adds what another one has taken, behind what this one has.
  void merge(const SpreadSum& other);
  Spread result() const;

 private:
  template <typename ValueAt>
  void add_blocks(std::size_t count, const ValueAt& value_at);

  std::uint64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;  // of the distances from the mean
  double max_abs_ = 0;
};

}  // namespace reprise::train
