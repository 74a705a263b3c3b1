#pragma once
// A GPU's products by every plan that they can have: what its planner chooses among, to see whether it chooses well.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "peer_products.h"

namespace reprise::benchmarks {

struct NamedPlan {
  std::string name;  // "large tiles, 4 splits"
  bool chosen = false;
};

class ProductPlans {
 public:
  virtual ~ProductPlans() = default;
  /// One of them is chosen.
  virtual std::vector<NamedPlan> plans(std::int64_t m, std::int64_t n, std::int64_t k) const = 0;
  /// By the plan of that number, a, b and c as PeerProducts has them. Returns before it is done; not ordered with the
  /// work of a device.
  virtual void multiply(std::size_t plan, ProductKind kind, std::int64_t m, std::int64_t n, std::int64_t k,
                        const float* a, const float* b, float* c) = 0;
  virtual void synchronize() = 0;
};

/// Of the device with that name; null where it is no GPU.
using FindProductPlans = std::function<std::unique_ptr<ProductPlans>(const std::string& device)>;

/// Null, too, where neither the kernels for GPUs were linked nor their emulation.
std::unique_ptr<ProductPlans> product_plans_of_gpu(const std::string& device);

}  // namespace reprise::benchmarks
