#pragma once
// The products of cuBLAS in float32, on memory of a GPU's device: a peer to measure beside, nothing computes with it.

#include <cstdint>
#include <memory>
#include <string>

#include "reprise/numerics/device.h"

namespace reprise::benchmarks {

/// nt: c = a b^T, nn: c = a b, tn: c = a^T b, row-major without gaps between rows, c[m,n].
enum class ProductKind { kNt, kNn, kTn };

class PeerProducts {
 public:
  virtual ~PeerProducts() = default;
  /// Returns before it is done. Not ordered with the work of a device: wait for that first.
  virtual void multiply(ProductKind kind, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
                        const float* b, float* c) = 0;
  virtual void synchronize() = 0;
};

/// Returns nothing where cuBLAS was not linked or `device` is no GPU.
std::unique_ptr<PeerProducts> make_peer_products(const numerics::Device& device);
/// "13.0.0", or nothing.
std::string peer_products_version();

}  // namespace reprise::benchmarks
