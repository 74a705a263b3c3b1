#pragma once
// Memory of the emulated GPU that knows who used each word: of two threads that no barrier orders, one must not write
// what the other uses. The fibers of a block run one after another, so such a race need not change a value here.

#include <cstddef>
#include <cstdint>

namespace reprise::emulation {

/// Who the running thread is, and how many barriers it has come through.
struct Runner {
  std::uint32_t block = 0;            // counted over all launches
  std::uint32_t first_of_launch = 0;  // the block that was its launch's first
  std::uint32_t thread = 0;
  std::uint32_t block_barriers = 0, warp_barriers = 0;
};

/// Memory of the GPU, aligned to 256 bytes, and where it ends.
void* allocate_watched(std::size_t num_bytes);
void free_watched(void* memory, std::size_t num_bytes);

/// The shared memory of the block that runs: 256 KiB.
unsigned char* watched_shared_memory();
inline constexpr std::size_t kWatchedSharedBytes = 256 << 10;

/// Notes that the running thread uses memory; stops the program where that is a race. Kernels are compiled so that they
/// call it for all they read and write.
void note_use(const void* memory, std::size_t num_bytes, bool writes);

/// Set by the scheduler; null outside of kernels.
extern const Runner* running_thread;

}  // namespace reprise::emulation
