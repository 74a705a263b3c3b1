#pragma once
// Executes kernels of a PTX module on the host, lane by lane, to the bit: what nvcc's compiler made of them is tested
// where there is no GPU. One block after another; the warps of a block in turn, each until it waits.
//
// The lanes of a warp that stand at the same instruction go together, those furthest behind first; so lanes that part
// at a branch meet again behind it, as they do on a GPU, and a shuffle waits for the lanes that it names.
//
// Faults: an access that is not aligned, or not inside one allocation or the block's shared memory; a barrier that some
// threads never reach; a shuffle with lanes that take no part; copies under way at a kernel's end; a block larger than
// the kernel was compiled for; races (races.h), where it is asked to look for them. Shared memory holds NaNs at first.
// Asynchronous copies are done as late as they may be. Not looked for: anything about time.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "module.h"
#include "traffic.h"

namespace reprise::ptx {

struct Extent {
  std::uint32_t x = 1, y = 1, z = 1;
};

/// An allocation of the GPU's memory, which is host memory here: an address is the host's.
struct Range {
  std::uint64_t begin = 0, end = 0;
  bool holds(std::uint64_t address, std::uint64_t bytes) const {
    return address >= begin && address < end && end - address >= bytes;
  }
};
/// The allocation that an address lies in; an empty range where there is none.
using FindRange = std::function<Range(std::uint64_t address)>;

/// In which order the warps of a block run, each until it waits, and the blocks: a result that depends on it lacks a
/// barrier. At random: warps alone, anew whenever all have come to a barrier.
enum class Order { kForward, kBackward, kRandom };

struct Launch {
  const Kernel& kernel;
  Extent grid, block;
  std::uint32_t dynamic_shared = 0;   // bytes
  std::vector<std::byte> parameters;  // as the kernel lays them out (Kernel::parameter_offsets)
  Order order = Order::kForward;
  std::uint32_t seed = 0;  // of a random order
};

/// How often an instruction was executed by a warp, and what its accesses cost a GPU.
struct Use {
  std::uint64_t times = 0;
  std::uint64_t lanes = 0;  // that took part, of all times
  Traffic shared, global;   // where it was asked for
};
/// Of each instruction of a kernel.
using Uses = std::vector<Use>;

class Races;

/// Executes all blocks, and adds to `uses`. Looks for races where `races` is given: one for all launches. Throws Fault.
void execute(const Launch& launch, const FindRange& find_range, Uses& uses, bool measures_traffic = false,
             Races* races = nullptr);

}  // namespace reprise::ptx
