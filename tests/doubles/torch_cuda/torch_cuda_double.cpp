// What LibTorch asks its CUDA part when no operator runs.

#include <ATen/detail/CUDAHooksInterface.h>

namespace {

struct CudaDouble final : at::CUDAHooksInterface {
  explicit CudaDouble(at::CUDAHooksArgs) {}
  bool hasCUDART() const override { return true; }
  long versionCUDART() const override { return 13000; }
  int getNumGPUs() const override { return 2; }
};

}  // namespace

namespace at {

C10_REGISTER_TYPED_CLASS(CUDAHooksRegistry, "CUDAHooks", CudaDouble)

}  // namespace at
