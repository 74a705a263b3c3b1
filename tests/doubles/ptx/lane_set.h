#pragma once
// Some of a warp's lanes, and where each of them reads or writes.

#include <array>
#include <cstdint>

#include "module.h"

namespace reprise::ptx {

using LaneSet = std::uint32_t;  // a bit per lane
using Addresses = std::array<std::uint64_t, kLanes>;

template <typename Function>
void for_each_lane(LaneSet lanes, Function function) {
  for (; lanes != 0; lanes &= lanes - 1) function(__builtin_ctz(lanes));
}

}  // namespace reprise::ptx
