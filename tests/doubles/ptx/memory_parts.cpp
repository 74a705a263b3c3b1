// What the emulated GPU's memory (doubles/cuda/emulated_memory.h) needs of the emulation around it, for a GPU whose
// kernels are executed from PTX.

#include <cstdlib>

#include "emulated_cuda.h"
#include "emulated_races.h"
#include "emulated_reads.h"
#include "gpu.h"

namespace reprise::emulation {

void stop(const char* problem) { ptx::stop(problem); }

void* allocate_watched(std::size_t num_bytes) {
  constexpr std::size_t kAlignment = 256;
  void* const memory = std::aligned_alloc(kAlignment, (num_bytes + kAlignment - 1) / kAlignment * kAlignment);
  if (memory == nullptr) stop("the host has no memory left");
  return memory;
}
void free_watched(void* memory, std::size_t) { std::free(memory); }

// Copies to the host are done when they are begun.
void expect_no_read(const void*, std::size_t) {}

}  // namespace reprise::emulation
