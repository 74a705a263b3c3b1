#include <fmt/format.h>

#include "gemm.h"
#include "product_plans.h"
#include "reprise/core/device_name.h"

namespace reprise::benchmarks {
namespace {

using numerics::cuda::ProductPlan;

bool operator==(const ProductPlan& a, const ProductPlan& b) { return a.tile == b.tile && a.num_splits == b.num_splits; }

class GpuProductPlans final : public ProductPlans {
 public:
  explicit GpuProductPlans(int device)
      : queue_(device), num_multiprocessors_(numerics::cuda::device_properties(device).num_multiprocessors) {}

  std::vector<NamedPlan> plans(std::int64_t m, std::int64_t n, std::int64_t k) const override {
    const ProductPlan chosen = numerics::cuda::plan_product(m, n, k, num_multiprocessors_);
    std::vector<NamedPlan> named;
    for (const ProductPlan& plan : numerics::cuda::possible_plans(m, n, k)) {
      named.push_back(
          {fmt::format("{} tiles, {} split{}", plan.tile == numerics::cuda::TileSize::kLarge ? "large" : "small",
                       plan.num_splits, plan.num_splits == 1 ? "" : "s"),
           plan == chosen});
    }
    return named;
  }

  void multiply(std::size_t plan, ProductKind kind, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
                const float* b, float* c) override {
    const bool a_by_k = kind == ProductKind::kTn, b_by_k = kind != ProductKind::kNt;
    const numerics::ProductPart part{a, a_by_k ? 1 : k, a_by_k ? m : 1, b, b_by_k ? n : 1, b_by_k ? 1 : k, k};
    numerics::cuda::multiply_parts(queue_, m, n, {&part, 1}, c, n, false,
                                   numerics::cuda::possible_plans(m, n, k)[plan]);
  }
  void synchronize() override { queue_.stream().synchronize(); }

 private:
  numerics::cuda::Queue queue_;
  int num_multiprocessors_;
};

}  // namespace

std::unique_ptr<ProductPlans> product_plans_of_gpu(const std::string& device) {
  const std::optional<DeviceName> name = parse_device_name(device);
  if (name && name->is_cpu) return nullptr;
  return std::make_unique<GpuProductPlans>(name ? name->index.value_or(0) : 0);
}

}  // namespace reprise::benchmarks
