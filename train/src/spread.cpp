#include "spread.h"

#include <algorithm>
#include <cmath>

namespace reprise::train {
namespace {

constexpr std::size_t kBlock = 4096;

}  // namespace

/// Each block in two passes, so that a mean far from 0 takes no digits from the deviation.
template <typename ValueAt>
void SpreadSum::add_blocks(std::size_t count, const ValueAt& value_at) {
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    const std::size_t end = std::min(begin + kBlock, count);
    SpreadSum block;
    block.count_ = end - begin;
    double sum = 0;
    for (std::size_t i = begin; i < end; ++i) sum += value_at(i);
    block.mean_ = sum / static_cast<double>(block.count_);
    for (std::size_t i = begin; i < end; ++i) {
      const double distance = value_at(i) - block.mean_;
      block.squares_ += distance * distance;
      block.max_abs_ = std::max(block.max_abs_, std::fabs(value_at(i)));
    }
    merge(block);
  }
}

void SpreadSum::add(std::span<const float> values) {
  add_blocks(values.size(), [&](std::size_t i) { return static_cast<double>(values[i]); });
}

void SpreadSum::add_difference(std::span<const float> values, std::span<const float> before) {
  add_blocks(values.size(),
             [&](std::size_t i) { return static_cast<double>(values[i]) - static_cast<double>(before[i]); });
}

// Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance".
void SpreadSum::merge(const SpreadSum& other) {
  if (other.count_ == 0) return;
  const auto ours = static_cast<double>(count_);
  const auto theirs = static_cast<double>(other.count_);
  const double all = ours + theirs;
  const double distance = other.mean_ - mean_;
  mean_ += distance * (theirs / all);
  squares_ += other.squares_ + distance * distance * (ours * theirs / all);
  max_abs_ = std::max(max_abs_, other.max_abs_);
  count_ += other.count_;
}

Spread SpreadSum::result() const {
  const double variance = count_ == 0 ? 0 : squares_ / static_cast<double>(count_);
  return {count_, mean_, std::sqrt(variance), std::sqrt(variance + mean_ * mean_), max_abs_};
}

}  // namespace reprise::train
