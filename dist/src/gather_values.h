#pragma once
// Small plain values of all ranks.

#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

#include "reprise/dist/communicator.h"

namespace reprise::dist {

/// Gives every rank's value of a plain type to every rank.
template <typename Value>
std::vector<Value> gather_values(Communicator& ranks, const Value& mine) {
  std::vector<Value> values(static_cast<std::size_t>(ranks.size()));
  std::vector<std::span<std::byte>> receive;
  for (Value& value : values) receive.push_back(std::as_writable_bytes(std::span(&value, 1)));
  ranks.all_gather(std::as_bytes(std::span(&mine, 1)), receive);
  return values;
}

}  // namespace reprise::dist
