// Times the exact profile on a GPU, or the CPU, and native steps on a GPU. benchmarks/run_gpu_benchmarks.sh alternates
// it with PyTorch.

#include "gpu_benchmark.h"

int main(int argc, char** argv) {
  using namespace reprise;
  return benchmarks::run_gpu_benchmark(argc, argv, conformance::usual_device(), conformance::device_of_name,
                                       conformance::native_device_of_name, benchmarks::product_plans_of_gpu);
}
