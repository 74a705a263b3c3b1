// Products of the layers and the head beside cuBLAS, and attention.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "gpu_benchmark.h"
#include "peer_products.h"
#include "reprise/numerics/device_memory.h"

namespace reprise::benchmarks {
namespace {

struct Product {
  ProductKind kind;
  std::int64_t m, n, k;
};

const char* name_of(ProductKind kind) {
  return kind == ProductKind::kNt ? "nt" : kind == ProductKind::kNn ? "nn" : "tn";
}

/// Outputs, input gradients and weight gradients of the layers' four kinds of weights and of the head. A weight
/// gradient is that of one grain.
std::vector<Product> products_of(const conformance::TrainingShape& shape) {
  const std::int64_t of_grain = shape.sequences_per_grain * shape.length, all = shape.grains * of_grain;
  const std::int64_t weights[][2] = {
      {shape.hidden, shape.hidden}, {shape.ffn, shape.hidden}, {shape.hidden, shape.ffn}, {shape.vocab, shape.hidden}};
  std::vector<Product> products;
  for (const auto& [out, in] : weights) products.push_back({ProductKind::kNt, all, out, in});
  for (const auto& [out, in] : weights) products.push_back({ProductKind::kNn, all, in, out});
  for (const auto& [out, in] : weights) products.push_back({ProductKind::kTn, out, in, of_grain});
  return products;
}

std::string case_of(const std::string& shape_name, const Product& product) {
  return fmt::format("{} {} {} x {} x {}", shape_name, name_of(product.kind), product.m, product.n, product.k);
}

double flops_of(const Product& product) {
  return 2.0 * static_cast<double>(product.m) * static_cast<double>(product.n) * static_cast<double>(product.k);
}

struct Operands {
  float *a, *b, *c;
  std::int64_t num_compared;  // of c's elements
};

Operands take_operands(numerics::Device& device, numerics::DeviceMemory& memory, const Product& product) {
  const auto [kind, m, n, k] = product;
  const Operands operands{memory.take<float>(m * k), memory.take<float>(n * k), memory.take<float>(m * n),
                          std::min<std::int64_t>(m * n, 1 << 16)};
  fill_with_values(device, operands.a, m * k);
  fill_with_values(device, operands.b, n * k);
  return operands;
}

void multiply(numerics::Device& device, const Product& product, const float* a, const float* b, float* c) {
  const auto [kind, m, n, k] = product;
  if (kind == ProductKind::kTn) return device.gemm_tn(m, n, k, a, m, b, n, c, n);
  if (kind == ProductKind::kNt) {
    const numerics::GemmOutput output{b, k, n, c, n};
    return device.gemm_nt_joint(m, k, a, k, {&output, 1});
  }
  const numerics::GemmPart part{a, k, b, n, k};
  device.gemm_nn_concatenated(m, n, {&part, 1}, c, n);
}

/// The largest difference between two results over their largest value, of the first elements: whether the two compute
/// the same thing.
double difference_of(const std::vector<float>& mine, const std::vector<float>& other) {
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    difference = std::max(difference, std::abs(static_cast<double>(mine[i]) - static_cast<double>(other[i])));
    largest = std::max(largest, std::abs(static_cast<double>(other[i])));
  }
  return largest > 0 ? difference / largest : difference;
}

void measure_product(const Setting& setting, numerics::Device& device, const std::string& shape_name,
                     const Product& product, const SeeFigure& see) {
  const auto [kind, m, n, k] = product;
  numerics::DeviceMemory memory(device);
  const auto [a, b, c, compared] = take_operands(device, memory, product);

  nlohmann::json mine{{"figure", "gemm"},
                      {"case", case_of(shape_name, product)},
                      {"who", "reprise"},
                      {"flops", flops_of(product)},
                      {"seconds", nlohmann::json::array()}};
  nlohmann::json theirs = mine;
  theirs["who"] = "cublas";
  const std::unique_ptr<PeerProducts> peer = make_peer_products(device);
  const auto ours_once = [&] { multiply(device, product, a, b, c); };
  const auto peer_once = [&] { peer->multiply(kind, m, n, k, a, b, c); };
  const int repetitions = repetitions_for(device, ours_once, setting.least_seconds);
  if (peer) {
    const std::vector<float> expected = memory.values(c, compared);
    device.clear(c, static_cast<std::size_t>(m * n) * sizeof(float));
    device.synchronize();
    peer_once();
    peer->synchronize();
    theirs["difference"] = difference_of(expected, memory.values(c, compared));
  }
  for (int round = 0; round < setting.rounds; ++round) {
    mine["seconds"].push_back(seconds_of(device, ours_once, repetitions));
    if (!peer) continue;
    // The device is idle, so its wait costs nothing and the peer's own is what counts.
    const auto all = [&] {
      for (int i = 0; i < repetitions; ++i) peer_once();
      peer->synchronize();
    };
    theirs["seconds"].push_back(seconds_of(device, all, 1) / repetitions);
  }
  see(mine);
  if (peer) see(theirs);
}

void measure_plans_of_product(const Setting& setting, numerics::Device& device, ProductPlans& plans,
                              const std::string& shape_name, const Product& product, const SeeFigure& see) {
  const auto [kind, m, n, k] = product;
  numerics::DeviceMemory memory(device);
  const auto [a, b, c, compared] = take_operands(device, memory, product);
  const auto multiply_by = [&, kind = kind, m = m, n = n, k = k](std::size_t plan) {
    plans.multiply(plan, kind, m, n, k, a, b, c);
  };

  const std::vector<NamedPlan> named = plans.plans(m, n, k);
  std::vector<nlohmann::json> figures;
  std::vector<int> repetitions;
  std::vector<float> first;
  for (std::size_t plan = 0; plan < named.size(); ++plan) {
    device.clear(c, static_cast<std::size_t>(m * n) * sizeof(float));
    device.synchronize();
    const auto once = [&] {
      multiply_by(plan);
      plans.synchronize();
    };
    repetitions.push_back(repetitions_for(device, once, setting.least_seconds));
    const std::vector<float> found = memory.values(c, compared);
    if (plan == 0) first = found;
    figures.push_back({{"figure", "plans"},
                       {"case", case_of(shape_name, product)},
                       {"who", named[plan].chosen ? "planned" : named[plan].name},
                       {"plan", named[plan].name},
                       {"flops", flops_of(product)},
                       {"difference", difference_of(found, first)},
                       {"seconds", nlohmann::json::array()}});
  }
  for (int round = 0; round < setting.rounds; ++round) {
    for (std::size_t plan = 0; plan < named.size(); ++plan) {
      const auto all = [&] {
        for (int i = 0; i < repetitions[plan]; ++i) multiply_by(plan);
        plans.synchronize();
      };
      figures[plan]["seconds"].push_back(seconds_of(device, all, 1) / repetitions[plan]);
    }
  }
  for (const nlohmann::json& figure : figures) see(figure);
}

}  // namespace

void measure_products(const Setting& setting, const SeeFigure& see) {
  for (const NamedShape& shape : setting.shapes) {
    for (const Product& product : products_of(shape.sizes)) {
      const std::shared_ptr<numerics::Device> device = setting.find_device(setting.device);
      measure_product(setting, *device, shape.name, product, see);
    }
  }
}

void measure_plans(const Setting& setting, const SeeFigure& see) {
  const std::unique_ptr<ProductPlans> plans = setting.find_product_plans(setting.device);
  for (const NamedShape& shape : setting.shapes) {
    for (const Product& product : products_of(shape.sizes)) {
      if (plans) {
        const std::shared_ptr<numerics::Device> device = setting.find_device(setting.device);
        measure_plans_of_product(setting, *device, *plans, shape.name, product, see);
      } else {
        see({{"figure", "plans"},
             {"case", case_of(shape.name, product)},
             {"who", "planned"},
             {"missing", fmt::format("--device {}: only a GPU has plans", setting.device)}});
      }
    }
  }
}

void measure_attention(const Setting& setting, const SeeFigure& see) {
  for (const NamedShape& shape : setting.shapes) {
    const std::shared_ptr<numerics::Device> device = setting.find_device(setting.device);
    const conformance::TrainingShape& sizes = shape.sizes;
    const std::int64_t head_dim = sizes.hidden / sizes.heads, sequences = sizes.num_sequences();
    const numerics::AttentionShape attention{sequences, sizes.length, sizes.heads, sizes.heads, head_dim};
    numerics::AttentionOptions options;
    options.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim)));
    numerics::DeviceMemory memory(*device);
    const std::int64_t count = sequences * sizes.length * sizes.hidden;
    float* arrays[8];  // q, k, v, dout, out, dq, dk, dv
    for (float*& array : arrays) array = memory.take<float>(count);
    for (int i = 0; i < 4; ++i) fill_with_values(*device, arrays[i], count);
    const auto [q, k, v, dout, out, dq, dk, dv] = arrays;
    float* const row_max = memory.take<float>(sequences * sizes.heads * sizes.length);
    float* const row_sum = memory.take<float>(sequences * sizes.heads * sizes.length);

    const auto forward = [&, q = q, k = k, v = v, out = out] {
      device->attention_forward(attention, options, q, k, v, out, row_max, row_sum);
    };
    const auto backward = [&, q = q, k = k, v = v, dout = dout, out = out, dq = dq, dk = dk, dv = dv] {
      device->attention_backward(attention, options, q, k, v, out, row_max, row_sum, dout, dq, dk, dv);
    };
    const double pairs = static_cast<double>(sequences * sizes.heads) * static_cast<double>(sizes.length) *
                         static_cast<double>(sizes.length + 1) / 2;
    const auto measure = [&](const char* figure, double products, const std::function<void()>& work) {
      nlohmann::json result{
          {"figure", figure},
          {"case", fmt::format("{} {} x {} x {} x {}", shape.name, sequences, sizes.length, sizes.heads, head_dim)},
          {"who", "reprise"},
          {"flops", products * 2.0 * pairs * static_cast<double>(head_dim)}};
      const int repetitions = repetitions_for(*device, work, setting.least_seconds);
      for (int round = 0; round < setting.rounds; ++round) {
        result["seconds"].push_back(seconds_of(*device, work, repetitions));
      }
      see(result);
    };
    measure("attention forward", 2, forward);  // products that any algorithm needs, per pair of query and key
    measure("attention backward", 5, backward);
  }
}

}  // namespace reprise::benchmarks
