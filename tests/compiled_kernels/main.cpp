// The conformance program on the PTX of its own kernels.

#include "emulated_torch.h"
#include "gpu.h"
#include "program.h"
#include "reprise/numerics/device.h"

int main(int argc, char** argv) {
  using namespace reprise;
  const int code = conformance::run_program(
      argc, argv, "ptx",
      [](const std::string&) { return std::shared_ptr<numerics::Device>(numerics::make_cuda_device(0)); },
      [](const std::string&) {
        static const emulation::TorchOnEmulatedGpu torch;
        return conformance::NativeDevice{numerics::make_cuda_device(0, numerics::WorkOrder::kLibTorch), "cpu", "ptx"};
      });
  ptx::write_coverage_where_asked();
  ptx::write_uses_where_asked();
  return code;
}
