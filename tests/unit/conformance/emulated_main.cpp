// The conformance program on the emulated GPU.

#include "emulated_device.h"
#include "emulated_torch.h"
#include "program.h"

int main(int argc, char** argv) {
  using namespace reprise;
  return conformance::run_program(
      argc, argv, "emulated",
      [](const std::string&) { return std::shared_ptr<numerics::Device>(emulation::make_emulated_device()); },
      [](const std::string&) {
        static const emulation::TorchOnEmulatedGpu torch;
        return conformance::NativeDevice{emulation::make_emulated_device(numerics::WorkOrder::kLibTorch), "cpu",
                                         "emulated"};
      });
}
