#pragma once
// LibTorch's CPU as LibTorch on the emulated GPU: its operators are the CPU's, its memory is the GPU's, where kernels
// may read and write, of NaNs at first and with its ends watched.

#include <cstdint>
#include <memory>

namespace reprise::emulation {

/// What becomes of the memory of a tensor that goes away. Kept, as LibTorch's allocator of GPUs does, it is for the
/// next tensor of its size, until memory is short or LibTorch is asked to give it back; its ends are looked at then.
/// That allocator gives others the chance to free theirs before it takes more.
enum class FreedTensors { kGoBack, kAreKept };

/// While it lives all new tensors of LibTorch's CPU lie in the emulated GPU's memory, and an operator of LibTorch finds
/// done what streams were given before. One per process.
class TorchOnEmulatedGpu {
 public:
  explicit TorchOnEmulatedGpu(FreedTensors freed = FreedTensors::kGoBack);
  ~TorchOnEmulatedGpu();
  TorchOnEmulatedGpu(const TorchOnEmulatedGpu&) = delete;
  TorchOnEmulatedGpu& operator=(const TorchOnEmulatedGpu&) = delete;

  /// From now on memory that is kept cannot go back, as on a GPU that has failed.
  void lose_gpu();

 private:
  void* before_;
  std::uint64_t observer_;
};

}  // namespace reprise::emulation
