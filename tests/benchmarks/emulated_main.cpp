// The GPU's benchmark on the emulated GPU: that it runs, not how fast anything is.

#include "emulated_program.h"
#include "gpu_benchmark.h"

int main(int argc, char** argv) {
  return reprise::emulation::run_on_emulated_gpu(argc, argv, reprise::benchmarks::run_gpu_benchmark);
}
