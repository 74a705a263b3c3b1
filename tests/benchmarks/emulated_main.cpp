// The GPU's benchmark on the emulated GPU: that it runs, not how fast anything is.

#include "emulated_device.h"
#include "emulated_torch.h"
#include "gpu_benchmark.h"

int main(int argc, char** argv) {
  using namespace reprise;
  return benchmarks::run_gpu_benchmark(
      argc, argv, "emulated",
      [](const std::string&) { return std::shared_ptr<numerics::Device>(emulation::make_emulated_device()); },
      [](const std::string&) {
        static const emulation::TorchOnEmulatedGpu torch;
        return conformance::NativeDevice{emulation::make_emulated_device(numerics::WorkOrder::kLibTorch), "cpu",
                                         "emulated"};
      });
}
