#pragma once
// Numbers that are the same on every machine: counters of the contract's generator [C-24], purpose 255.

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "reprise/core/philox.h"

namespace reprise::conformance {

class RandomStream {
 public:
  /// Streams of different pairs have nothing in common.
  RandomStream(std::uint32_t stream, std::uint32_t part) : stream_(stream), part_(part) {}

  std::uint32_t word() {
    if (next_ == 4) {
      words_ =
          philox4x32_10({static_cast<std::uint32_t>(RandomPurpose::kTest), stream_, part_, block_++}, philox_key(0));
      next_ = 0;
    }
    return words_[next_++];
  }
  /// Returns an integer of [lowest, highest].
  std::int64_t integer(std::int64_t lowest, std::int64_t highest) {
    return lowest + static_cast<std::int64_t>(word()) % (highest - lowest + 1);
  }
  template <typename T>
  T one_of(std::span<const T> choices) {
    return choices[static_cast<std::size_t>(integer(0, static_cast<std::int64_t>(choices.size()) - 1))];
  }
  bool coin() { return (word() & 1) != 0; }
  /// Returns a value of [-1, 1), a multiple of 2^-23.
  float value() { return static_cast<float>(static_cast<std::int32_t>(word() >> 8) - (1 << 23)) * 0x1p-23f; }
  /// Returns values of [-1, 1); one in 64 is a zero of either sign, subnormal, tiny or large.
  std::vector<float> values(std::int64_t count) {
    static constexpr float kSpecial[] = {0.0f, -0.0f, 0x1.8p-140f, -0x1p-130f, 0x1p-20f, -0x1p-20f, 8.0f, -8.0f};
    std::vector<float> result(static_cast<std::size_t>(count));
    for (float& x : result) {
      x = value();
      if (word() % 64 == 0) x = one_of(std::span<const float>(kSpecial));
    }
    return result;
  }
  /// Returns values of [0.5, 1.5).
  std::vector<float> values_near_one(std::int64_t count) {
    std::vector<float> result(static_cast<std::size_t>(count));
    for (float& x : result) x = 1.0f + 0.5f * value();
    return result;
  }
  std::vector<std::int32_t> ids(std::int64_t count, std::int64_t lowest, std::int64_t highest) {
    std::vector<std::int32_t> result(static_cast<std::size_t>(count));
    for (std::int32_t& id : result) id = static_cast<std::int32_t>(integer(lowest, highest));
    return result;
  }

 private:
  std::uint32_t stream_, part_;
  std::uint32_t block_ = 0;
  PhiloxCounter words_{};
  std::size_t next_ = 4;
};

}  // namespace reprise::conformance
