// The GPU's benchmark on the emulated GPU: that it runs, not how fast anything is.

#include "emulated_program.h"
#include "gpu_benchmark.h"

int main(int argc, char** argv) {
  using namespace reprise;
  return emulation::run_on_emulated_gpu(
      argc, argv,
      [](int count, char** words, const std::string& default_device, const conformance::FindDevice& find_device,
         const conformance::FindNativeDevice& find_native_device) {
        return benchmarks::run_gpu_benchmark(count, words, default_device, find_device, find_native_device,
                                             benchmarks::product_plans_of_gpu);
      });
}
