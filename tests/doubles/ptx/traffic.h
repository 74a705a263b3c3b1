#pragma once
// What a warp's access costs a GPU's memory, by its addresses alone. Source: NVIDIA, "CUDA C++ Programming Guide",
// compute capability 5.x and later: shared memory has 32 banks of 4 bytes, global memory is moved in sectors of 32
// bytes.

#include <cstdint>
#include <span>

namespace reprise::ptx {

struct Traffic {
  std::uint64_t moved = 0;  // turns of shared memory, or sectors of global memory
  std::uint64_t least = 0;  // what as many bytes take at the best

  void add(const Traffic& other) {
    moved += other.moved;
    least += other.least;
  }
};

/// `addresses`: of the lanes that take part, `bytes` each. Lanes with 8 or 16 bytes are served by halves or quarters of
/// a warp; within one, different words of one bank follow each other, and lanes with the same word share it.
Traffic shared_traffic(std::span<const std::uint64_t> addresses, int bytes);
Traffic global_traffic(std::span<const std::uint64_t> addresses, int bytes);

}  // namespace reprise::ptx
