// Which GPU a rank of a native run gets. LibTorch's CUDA part is a double with two GPUs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "reprise/core/error.h"
#include "reprise/dist/local_group.h"
#include "reprise/train/compute_settings.h"

namespace reprise::train {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

void expect_error(const std::string& name, ErrorKind kind, const char* message) {
  const auto communicator = dist::make_local_communicator();
  try {
    find_native_gpu(name, *communicator);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    EXPECT_THAT(error.what(), HasSubstr(message));
  }
}

// First: a library that was loaded stays.
TEST(NativeGpu, NeedsTheCudaPartOfLibTorch) {
  const std::string library = std::getenv("REPRISE_TORCH_CUDA_LIBRARY");
  ::setenv("REPRISE_TORCH_CUDA_LIBRARY", "/none/lib/libtorch_cuda.so", 1);
  expect_error("cuda", ErrorKind::kDevice, "/none/lib/libtorch_cuda.so");
  expect_error("cuda:1", ErrorKind::kDevice, "/none/lib/libtorch_cuda.so");
  ::setenv("REPRISE_TORCH_CUDA_LIBRARY", library.c_str(), 1);
}

TEST(NativeGpu, IsThatOfTheRanksPlaceOrOfTheNumber) {
  dist::run_local_group(2, [](dist::Communicator& communicator) {
    const NativeDevice mine = find_native_gpu("cuda", communicator);
    EXPECT_EQ(mine.name, "cuda:" + std::to_string(communicator.rank()));
    EXPECT_THAT(mine.description, StartsWith("Double " + std::to_string(communicator.rank()) + ", LibTorch "));
    EXPECT_EQ(find_native_gpu("cuda:1", communicator).name, "cuda:1");
  });
}

TEST(NativeGpu, ThatIsNotThereIsAnErrorWithTheirNumber) {
  expect_error("cuda:2", ErrorKind::kDevice, "LibTorch sees 2 of them");
  expect_error("cuda:x", ErrorKind::kUsage, "cuda:x");
}

}  // namespace
}  // namespace reprise::train
