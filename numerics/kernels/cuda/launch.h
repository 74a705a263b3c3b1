#pragma once
// Starts a kernel on a queue.

#include <cstddef>
#include <cstdint>

#include "language.h"
#include "queue.h"

namespace reprise::numerics::cuda {

/// Dynamic shared memory beyond which a launch asks for it. CUDA gives a block 48 KiB without, its kernel's variables
/// included, of which a launch knows nothing: the difference is theirs.
inline constexpr std::size_t kWithoutAsking = 32 << 10;

/// Starts `kernel` on a grid; nothing is started where there are no blocks. Blocks' dynamic shared memory may be as
/// large as the GPU has it.
template <typename... Parameters, typename... Arguments>
void launch(Queue& queue, void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
            Arguments... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  queue.stream().use();
  const bool asks = shared_bytes > kWithoutAsking;
#if defined(__CUDACC__)
  if (asks) {
    check_launch(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                      cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes)),
                 "shared memory of a kernel");
  }
  kernel<<<grid, block, shared_bytes, static_cast<cudaStream_t>(queue.stream().handle())>>>(
      static_cast<Parameters>(arguments)...);
  check_launch(cudaGetLastError(), "start of a kernel");
#else
  emulation::launch(queue.stream().handle(), grid, block, {shared_bytes, asks},
                    [=] { kernel(static_cast<Parameters>(arguments)...); });
#endif
}

/// Blocks of `per_block` that cover `count`.
inline unsigned blocks_for(std::int64_t count, std::int64_t per_block) {
  return static_cast<unsigned>((count + per_block - 1) / per_block);
}

}  // namespace reprise::numerics::cuda
