// LibTorch's CUDA part: found, refused, loaded, set to fixed sums. A double stands for the part and for the driver.
#include "reprise/native_ops/gpu.h"

#include <ATen/Context.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/version.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>

#include "cpu_device.h"
#include "gpu_settings.h"
#include "reprise/core/error.h"
#include "reprise/ops/device_scope.h"
#include "torch_cuda_library.h"

namespace reprise::native_ops {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char kLibrary[] = REPRISE_BINARY_DIR "/tests/torch_cuda/lib/libtorch_cuda.so";

/// A variable of the environment for the time of a test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* const before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void set(const char* value) const { value == nullptr ? ::unsetenv(name_) : ::setenv(name_, value, 1); }
  const char* name_;
  std::optional<std::string> before_;
};

void expect_error(const std::function<void()>& work, ErrorKind kind, const testing::Matcher<std::string>& message,
                  const testing::Matcher<std::string>& hint) {
  try {
    work();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    EXPECT_THAT(std::string(error.what()), message);
    EXPECT_THAT(error.hint(), hint);
  }
}

/// A folder like LibTorch's, with a library that is none.
class TorchFolder {
 public:
  TorchFolder() { std::filesystem::create_directories(root_ / "lib"); }
  ~TorchFolder() { std::filesystem::remove_all(root_); }
  TorchFolder(const TorchFolder&) = delete;
  TorchFolder& operator=(const TorchFolder&) = delete;

  std::string library() const { return (root_ / "lib" / "libtorch_cuda.so").string(); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(root_ / name) << text; }

 private:
  std::filesystem::path root_ =
      std::filesystem::temp_directory_path() / ("reprise_torch_folder_" + std::to_string(::getpid()));
};

// What fails comes before what loads: LibTorch has one CUDA part for the rest of the process.

TEST(TorchCudaLibrary, IsLookedForBesideTheLibTorchInUse) {
  const Variable unset("REPRISE_TORCH_CUDA_LIBRARY", nullptr);
  const std::filesystem::path library = torch_cuda_library();
  EXPECT_EQ(library.filename(), "libtorch_cuda.so");
  EXPECT_TRUE(std::filesystem::exists(library.parent_path() / "libtorch_cpu.so")) << library;
}

TEST(TorchCudaLibrary, ThatIsMissingIsNamedWithTheWayToGetIt) {
  const Variable none("REPRISE_TORCH_CUDA_LIBRARY", "/none/lib/libtorch_cuda.so");
  expect_error(use_gpus, ErrorKind::kDevice, HasSubstr("/none/lib/libtorch_cuda.so"),
               AllOf(HasSubstr("pip install --target DIR torch=="), HasSubstr("REPRISE_TORCH_CUDA_LIBRARY")));
}

TEST(TorchCudaLibrary, OfAnotherVersionIsRefused) {
  const TorchFolder folder;
  folder.write("version.py", "from typing import Optional\n\n__version__ = '2.10.0+cu130'\n");
  expect_error([&] { expect_same_version(folder.library()); }, ErrorKind::kDevice,
               AllOf(HasSubstr("of LibTorch 2.10.0"), HasSubstr(TORCH_VERSION)), HasSubstr(TORCH_VERSION));
}

TEST(TorchCudaLibrary, WithoutAVersionIsRefused) {
  const TorchFolder folder;
  expect_error([&] { expect_same_version(folder.library()); }, ErrorKind::kDevice, HasSubstr("build-version"),
               HasSubstr(TORCH_VERSION));
}

TEST(TorchCudaLibrary, HasItsVersionInAWheelOrAnArchive) {
  const TorchFolder archive;
  archive.write("build-version", std::string(TORCH_VERSION) + "+cu130\n");
  EXPECT_NO_THROW(expect_same_version(archive.library()));
  archive.write("version.py", std::string("__version__ = '") + TORCH_VERSION + "'\n");
  EXPECT_NO_THROW(expect_same_version(archive.library()));
  EXPECT_NO_THROW(expect_same_version(kLibrary));
}

TEST(TorchCudaLibrary, ThatCannotBeLoadedSaysWhy) {
  const TorchFolder folder;
  folder.write("build-version", TORCH_VERSION);
  folder.write("lib/libtorch_cuda.so", "no library");
  const std::string library = folder.library();
  const Variable named("REPRISE_TORCH_CUDA_LIBRARY", library.c_str());
  expect_error(load_torch_cuda, ErrorKind::kDevice, AllOf(HasSubstr("cannot load"), HasSubstr(library)),
               HasSubstr("REPRISE_TORCH_CUDA_LIBRARY"));
}

TEST(GpuEnvironment, GetsWorkspacesOfOneSizeForCublas) {
  const Variable unset("CUBLAS_WORKSPACE_CONFIG", nullptr);
  EXPECT_EQ(fix_environment(), ":4096:8");
  EXPECT_STREQ(std::getenv("CUBLAS_WORKSPACE_CONFIG"), ":4096:8");
}

TEST(GpuEnvironment, KeepsTheOtherDeterministicWorkspace) {
  const Variable small("CUBLAS_WORKSPACE_CONFIG", ":16:8");
  EXPECT_EQ(fix_environment(), ":16:8");
}

TEST(GpuEnvironment, MayTurnOffWhatChangesBits) {
  const Variable tf32("NVIDIA_TF32_OVERRIDE", "0"), emulate("CUBLAS_EMULATE_SINGLE_PRECISION", "0");
  EXPECT_NO_THROW(fix_environment());
}

TEST(GpuEnvironment, RefusesWhatChangesBits) {
  for (const auto& [name, value] : {std::pair{"CUBLAS_WORKSPACE_CONFIG", ":0:0"},
                                    {"NVIDIA_TF32_OVERRIDE", "1"},
                                    {"PYTORCH_TUNABLEOP_ENABLED", "1"},
                                    {"CUBLAS_EMULATE_SINGLE_PRECISION", "1"},
                                    {"CUBLAS_EMULATION_STRATEGY", "eager"},
                                    {"CUBLASLT_HEURISTICS_LUT_FILE", "0"}}) {
    const Variable variable(name, value);
    expect_error(fix_environment, ErrorKind::kUsage, AllOf(HasSubstr(name), HasSubstr(value)),
                 std::string("unset ") + name);
    expect_error(use_gpus, ErrorKind::kUsage, HasSubstr(name), HasSubstr(name));
  }
}

TEST(Gpus, AreSeenOnceTheLibraryIsLoadedAndSetToFixedSums) {
  const Variable named("REPRISE_TORCH_CUDA_LIBRARY", kLibrary);
  const Variable unset("CUBLAS_WORKSPACE_CONFIG", nullptr);
  use_gpus();
  use_gpus();
  EXPECT_EQ(num_gpus(), 2);
  EXPECT_EQ(gpu_description(1), std::string("Double 1, LibTorch ") + TORCH_VERSION +
                                    ", CUDA 13.0, cuBLAS workspace :4096:8, 11 multiprocessors");
  expect_error([] { gpu_description(2); }, ErrorKind::kDevice, HasSubstr("GPU 2"), HasSubstr("nvidia-smi"));
}

TEST(Gpus, SayHowMuchMemoryTensorsHadAtMost) {
  const Variable named("REPRISE_TORCH_CUDA_LIBRARY", kLibrary);
  const Variable unset("CUBLAS_WORKSPACE_CONFIG", nullptr);
  use_gpus();
  EXPECT_EQ(peak_bytes("cuda:1"), 2000u);
  forget_peak_bytes("cuda:1");
  EXPECT_EQ(peak_bytes("cuda:1"), 300u);
  EXPECT_EQ(peak_bytes("cuda:0"), 1000u);
  forget_peak_bytes("cpu");
  EXPECT_EQ(peak_bytes("cpu"), std::nullopt) << "nobody counts there";
  EXPECT_EQ(peak_bytes("xpu:0"), std::nullopt) << "nobody has such memory";
}

/// Counts how often it is asked for what it keeps unused.
struct AskedDevice final : numerics::CpuDevice {
  bool give_back_unused() override { return ++times_asked == 1; }
  int times_asked = 0;
};

TEST(Gpus, AreAskedForMemoryOnceTheDeviceOfTheScopeHasGivenItsOwnBack) {
  const Variable named("REPRISE_TORCH_CUDA_LIBRARY", kLibrary);
  const Variable unset("CUBLAS_WORKSPACE_CONFIG", nullptr);
  use_gpus();
  load_torch_cuda();  // tried again, as behind a failure
  c10::Allocator& memory = *c10::GetAllocator(c10::kCUDA);
  AskedDevice device;
  {
    const ops::DeviceScope scope(device, at::Device("cuda:0"));
    EXPECT_THROW(memory.allocate(64), c10::Error);
    EXPECT_EQ(device.times_asked, 1);
  }
  EXPECT_THROW(memory.allocate(64), c10::Error);
  EXPECT_EQ(device.times_asked, 1) << "outside of its scope";
}

TEST(GpuOperators, AreDeterministicAndWithoutTf32) {
  at::Context& context = at::globalContext();
  context.setAllowTF32CuBLAS(true);
  fix_operators();
  EXPECT_TRUE(context.deterministicAlgorithms());
  EXPECT_FALSE(context.deterministicAlgorithmsWarnOnly());
  EXPECT_FALSE(context.allowTF32CuBLAS());
  EXPECT_FALSE(context.allowTF32CuDNN());
  EXPECT_EQ(context.float32MatmulPrecision(), at::Float32MatmulPrecision::HIGHEST);
  EXPECT_EQ(context.allowBF16ReductionCuBLAS(), at::CuBLASReductionOption::DisallowReducedPrecisionAllowSplitK);
  EXPECT_EQ(context.blasPreferredBackend(), at::BlasBackend::Cublas);
  EXPECT_TRUE(context.userEnabledFlashSDP());
  EXPECT_TRUE(context.userEnabledMathSDP());
  EXPECT_FALSE(context.userEnabledMemEfficientSDP());
  EXPECT_FALSE(context.userEnabledCuDNNSDP());
}

}  // namespace
}  // namespace reprise::native_ops
