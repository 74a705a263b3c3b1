#pragma once
// Processes that share one piece of work through files: which of them this is, and how they wait for each other. What
// they make must not depend on how many they are.

#include <cstdint>
#include <functional>

namespace reprise {

struct Team {
  int rank = 0;
  int size = 1;
  std::function<void()> barrier;  // returns when all have called it; may be empty when size is 1

  void wait() const {
    if (barrier) barrier();
  }
  /// Whether piece `number` is this process's to make.
  bool owns(std::uint64_t number) const {
    return number % static_cast<std::uint64_t>(size) == static_cast<std::uint64_t>(rank);
  }
};

}  // namespace reprise
