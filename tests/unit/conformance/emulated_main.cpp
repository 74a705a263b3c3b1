// The conformance program on the emulated GPU.

#include "emulated_device.h"
#include "program.h"

int main(int argc, char** argv) {
  return reprise::conformance::run_program(argc, argv, "emulated", [](const std::string&) {
    return std::shared_ptr<reprise::numerics::Device>(reprise::emulation::make_emulated_device());
  });
}
