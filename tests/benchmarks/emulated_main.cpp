// The GPU's benchmark on the emulated GPU: that it runs, not how fast anything is.

#include "emulated_device.h"
#include "gpu_benchmark.h"

int main(int argc, char** argv) {
  return reprise::benchmarks::run_gpu_benchmark(argc, argv, "emulated", [](const std::string&) {
    return std::shared_ptr<reprise::numerics::Device>(reprise::emulation::make_emulated_device());
  });
}
