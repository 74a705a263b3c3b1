// GPUs of the native profile by their names: what is missing is said. A double stands for LibTorch's CUDA part.
#include "named_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "reprise/core/error.h"

namespace reprise::conformance {
namespace {

void expect_error(const std::string& name, ErrorKind kind, const std::string& message) {
  try {
    native_device_of_name(name);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    EXPECT_THAT(error.what(), testing::HasSubstr(message));
  }
}

TEST(NativeDeviceOfName, IsNotTheCpu) { expect_error("cpu", ErrorKind::kDevice, "--device cpu"); }

// Before the next: a library that was loaded stays.
TEST(NativeDeviceOfName, NeedsTheCudaPartOfLibTorch) {
  const std::string library = std::getenv("REPRISE_TORCH_CUDA_LIBRARY");
  ::setenv("REPRISE_TORCH_CUDA_LIBRARY", "/none/lib/libtorch_cuda.so", 1);
  expect_error("cuda", ErrorKind::kDevice, "/none/lib/libtorch_cuda.so");
  ::setenv("REPRISE_TORCH_CUDA_LIBRARY", library.c_str(), 1);
}

TEST(NativeDeviceOfName, ThatIsNotThereIsAnErrorWithTheirNumber) {
  expect_error("cuda:2", ErrorKind::kDevice, "--device cuda:2 is GPU 2; LibTorch sees 2 of them");
  expect_error("gpu", ErrorKind::kUsage, "gpu");
}

}  // namespace
}  // namespace reprise::conformance
