#include "gpu_settings.h"

#include <ATen/Context.h>
#include <fmt/format.h>

#include <cstdlib>
#include <string_view>

#include "reprise/core/error.h"

namespace reprise::native_ops {

namespace {

/// A variable with which cuBLAS or LibTorch computes float32 products otherwise than it is told to.
struct RefusedVariable {
  const char* name;
  bool is_off_at_zero;
};
constexpr RefusedVariable kRefused[] = {{"NVIDIA_TF32_OVERRIDE", true},
                                        {"PYTORCH_TUNABLEOP_ENABLED", true},
                                        {"CUBLAS_EMULATE_SINGLE_PRECISION", true},
                                        {"CUBLAS_EMULATION_STRATEGY", false},
                                        {"CUBLASLT_HEURISTICS_LUT_FILE", false}};

}  // namespace

std::string fix_environment() {
  for (const auto& [name, is_off_at_zero] : kRefused) {
    const char* const value = std::getenv(name);
    REPRISE_REQUIRE(value == nullptr || (is_off_at_zero && std::string_view(value) == "0"), ErrorKind::kUsage,
                    fmt::format("{} is {}, which changes the bits of products on a GPU", name, value),
                    fmt::format("unset {}", name));
  }
  constexpr char kWorkspace[] = "CUBLAS_WORKSPACE_CONFIG";
  ::setenv(kWorkspace, ":4096:8", /*overwrite=*/0);
  const std::string value = std::getenv(kWorkspace);
  REPRISE_REQUIRE(
      value == ":4096:8" || value == ":16:8", ErrorKind::kUsage,
      fmt::format("{} is {}; cuBLAS gives the same bits again with :4096:8 and :16:8 alone", kWorkspace, value),
      fmt::format("unset {}", kWorkspace));
  return value;
}

void fix_operators() {
  at::Context& context = at::globalContext();
  context.setDeterministicAlgorithms(true, /*warn_only=*/false);
  context.setDeterministicFillUninitializedMemory(false);
  context.setBlasPreferredBackend(at::BlasBackend::Cublas);  // the environment could name another
  context.setFloat32MatmulPrecision("highest");
  context.setAllowBF16ReductionCuBLAS(false);
  context.setAllowTF32CuDNN(false);
  context.setBenchmarkCuDNN(false);
  context.setDeterministicCuDNN(true);
  context.setSDPUseFlash(true);  // its backward pass asks for deterministic algorithms
  context.setSDPUseMath(true);   // with a mask, and in float32
  context.setSDPUseMemEfficient(false);
  context.setSDPUseCuDNN(false);
}

}  // namespace reprise::native_ops
