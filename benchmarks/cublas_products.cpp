#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <fmt/format.h>

#include "peer_products.h"
#include "reprise/core/error.h"

namespace reprise::benchmarks {
namespace {

void check(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error(ErrorKind::kDevice, fmt::format("cuBLAS refuses: {}: {}", what, cublasGetStatusString(status)));
}

/// On the stream of its own process-wide default, with its default mathematics: float32, no TF32.
class CublasProducts final : public PeerProducts {
 public:
  CublasProducts() {
    check(cublasCreate(&handle_), "cublasCreate");
    check(cublasSetMathMode(handle_, CUBLAS_DEFAULT_MATH), "cublasSetMathMode");
  }
  ~CublasProducts() override { cublasDestroy(handle_); }
  CublasProducts(const CublasProducts&) = delete;
  CublasProducts& operator=(const CublasProducts&) = delete;

  // cuBLAS thinks in columns: what is a row-major matrix to us is its transpose, so c^T = b^T a^T is computed.
  void multiply(ProductKind kind, std::int64_t m, std::int64_t n, std::int64_t k, const float* a, const float* b,
                float* c) override {
    const bool a_by_k = kind == ProductKind::kTn, b_by_k = kind != ProductKind::kNt;
    const float one = 1.0f, zero = 0.0f;
    const auto narrow = [](std::int64_t size) { return static_cast<int>(size); };
    check(cublasSgemm(handle_, b_by_k ? CUBLAS_OP_N : CUBLAS_OP_T, a_by_k ? CUBLAS_OP_T : CUBLAS_OP_N, narrow(n),
                      narrow(m), narrow(k), &one, b, narrow(b_by_k ? n : k), a, narrow(a_by_k ? m : k), &zero, c,
                      narrow(n)),
          "cublasSgemm");
  }
  void synchronize() override {
    if (cudaDeviceSynchronize() != cudaSuccess) throw Error(ErrorKind::kDevice, "a product of cuBLAS failed");
  }

 private:
  cublasHandle_t handle_ = nullptr;
};

}  // namespace

std::unique_ptr<PeerProducts> make_peer_products(const numerics::Device& device) {
  if (device.kind() != "cuda") return nullptr;
  return std::make_unique<CublasProducts>();
}

std::string peer_products_version() {
  int parts[3] = {};
  const libraryPropertyType kinds[3] = {MAJOR_VERSION, MINOR_VERSION, PATCH_LEVEL};
  for (int i = 0; i < 3; ++i) check(cublasGetProperty(kinds[i], &parts[i]), "cublasGetProperty");
  return fmt::format("{}.{}.{}", parts[0], parts[1], parts[2]);
}

}  // namespace reprise::benchmarks
