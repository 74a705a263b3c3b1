#pragma once
// LibTorch's CPU as LibTorch on the emulated GPU: its operators are the CPU's, its memory is the GPU's, where kernels
// may read and write, of NaNs at first and with its ends watched.

#include <memory>

namespace reprise::emulation {

/// While it lives all new tensors of LibTorch's CPU lie in the emulated GPU's memory. One per process.
class TorchOnEmulatedGpu {
 public:
  TorchOnEmulatedGpu();
  ~TorchOnEmulatedGpu();
  TorchOnEmulatedGpu(const TorchOnEmulatedGpu&) = delete;
  TorchOnEmulatedGpu& operator=(const TorchOnEmulatedGpu&) = delete;

 private:
  void* before_;
};

}  // namespace reprise::emulation
