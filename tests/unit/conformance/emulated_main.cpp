// The conformance program on the emulated GPU.

#include "emulated_program.h"
#include "program.h"

int main(int argc, char** argv) {
  return reprise::emulation::run_on_emulated_gpu(argc, argv, reprise::conformance::run_program);
}
