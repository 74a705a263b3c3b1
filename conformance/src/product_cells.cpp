// Cells of the products, the embedding and the head.

#include <fmt/format.h>

#include <array>

#include "cell_families.h"

namespace reprise::conformance {
namespace {

using numerics::Device;

struct ProductShape {
  std::int64_t m, n, k;
};

ProductShape product_shape(RandomStream& random, CellSize size) {
  const std::int64_t largest = size == CellSize::kSmall ? 80 : 1200;
  const std::int64_t longest = size == CellSize::kSmall ? 300 : 2500;  // beyond several segments
  return {any_size(random, largest), any_size(random, largest), any_size(random, longest)};
}

Cell linear_forward(RandomStream& random, CellSize size) {
  const ProductShape shape = product_shape(random, size);
  const std::int64_t num_outputs = random.integer(1, 3);
  std::vector<std::int64_t> widths;
  std::vector<std::vector<float>> weights;
  for (std::int64_t i = 0; i < num_outputs; ++i) {
    widths.push_back(i == 0 ? shape.n : any_size(random, shape.n));
    weights.push_back(random.values(widths.back() * shape.k));
  }
  const std::vector<float> x = random.values(shape.m * shape.k);
  const std::vector<float> bias = random.values(shape.n);
  return {fmt::format("rows={} k={} outputs={} n={}", shape.m, shape.k, num_outputs, shape.n), [=](Device& device) {
            Outputs out(device);
            std::vector<numerics::GemmOutput> outputs;
            for (std::size_t i = 0; i < widths.size(); ++i) {
              outputs.push_back(
                  {out.memory().copy_of(weights[i]), shape.k, widths[i], out.add(shape.m * widths[i]), widths[i]});
            }
            device.gemm_nt_joint(shape.m, shape.k, out.memory().copy_of(x), shape.k, outputs);
            device.add_bias(shape.m, shape.n, out.memory().copy_of(bias), outputs[0].c);
            return out.read();
          }};
}

Cell linear_input_gradient(RandomStream& random, CellSize size) {
  const ProductShape shape = product_shape(random, size);
  const std::int64_t num_parts = random.integer(1, 3);
  std::vector<std::int64_t> widths;
  std::vector<std::vector<float>> dys, weights;
  for (std::int64_t i = 0; i < num_parts; ++i) {
    widths.push_back(i == 0 ? shape.k : any_size(random, shape.k));
    dys.push_back(random.values(shape.m * widths.back()));
    weights.push_back(random.values(widths.back() * shape.n));
  }
  return {fmt::format("rows={} n={} parts={} k={}", shape.m, shape.n, num_parts, shape.k), [=](Device& device) {
            Outputs out(device);
            std::vector<numerics::GemmPart> parts;
            for (std::size_t i = 0; i < widths.size(); ++i) {
              parts.push_back(
                  {out.memory().copy_of(dys[i]), widths[i], out.memory().copy_of(weights[i]), shape.n, widths[i]});
            }
            device.gemm_nn_concatenated(shape.m, shape.n, parts, out.add(shape.m * shape.n), shape.n);
            return out.read();
          }};
}

Cell linear_weight_gradient(RandomStream& random, CellSize size) {
  const ProductShape shape = product_shape(random, size);
  const std::vector<float> dy = random.values(shape.k * shape.m);
  const std::vector<float> x = random.values(shape.k * shape.n);
  return {fmt::format("out={} in={} tokens={}", shape.m, shape.n, shape.k), [=](Device& device) {
            Outputs out(device);
            const float* const gradient = out.memory().copy_of(dy);
            device.gemm_tn(shape.m, shape.n, shape.k, gradient, shape.m, out.memory().copy_of(x), shape.n,
                           out.add(shape.m * shape.n), shape.n);
            device.bias_gradient(shape.k, shape.m, gradient, out.add(shape.m));
            return out.read();
          }};
}

Cell embedding(RandomStream& random, CellSize size) {
  const std::int64_t tokens = any_size(random, size == CellSize::kSmall ? 80 : 4000);
  const std::int64_t dim = any_size(random, size == CellSize::kSmall ? 70 : 1000);
  const std::int64_t vocab = any_size(random, size == CellSize::kSmall ? 90 : 9000);
  const std::vector<std::int32_t> ids = random.ids(tokens, 0, vocab - 1);
  const std::vector<float> table = random.values(vocab * dim), dy = random.values(tokens * dim);
  return {fmt::format("tokens={} dim={} vocab={}", tokens, dim, vocab), [=](Device& device) {
            Outputs out(device);
            const std::int32_t* const on_device = out.memory().copy_of(ids);
            device.embedding_forward(tokens, dim, on_device, out.memory().copy_of(table), out.add(tokens * dim));
            device.embedding_backward(tokens, dim, vocab, on_device, out.memory().copy_of(dy), out.add(vocab * dim));
            return out.read();
          }};
}

Cell head_loss(RandomStream& random, CellSize size) {
  const std::int64_t tokens = any_size(random, size == CellSize::kSmall ? 40 : 900);
  const std::int64_t dim = any_size(random, size == CellSize::kSmall ? 70 : 600);
  const std::int64_t vocab = any_size(random, size == CellSize::kSmall ? 300 : 9000);
  const std::vector<std::int32_t> targets = random.ids(tokens, -1, vocab - 1);
  const std::vector<float> h = random.values(tokens * dim), weight = random.values(vocab * dim);
  const float z_weight = random.coin() ? 1e-4f : 0.0f;
  return {fmt::format("tokens={} dim={} vocab={} z={}", tokens, dim, vocab, z_weight), [=](Device& device) {
            Outputs out(device);
            const float* const hidden = out.memory().copy_of(h);
            const float* const head = out.memory().copy_of(weight);
            const std::int32_t* const ids = out.memory().copy_of(targets);
            device.head_loss_forward(tokens, dim, vocab, hidden, head, ids, out.add(tokens), out.add(tokens));
            device.head_loss_forward_backward(tokens, dim, vocab, hidden, head, ids, z_weight, out.add(tokens),
                                              out.add(tokens), out.add(tokens * dim), out.add(vocab * dim));
            return out.read();
          }};
}

constexpr OperatorFamily kFamilies[] = {
    {"linear_forward", linear_forward},
    {"linear_input_gradient", linear_input_gradient},
    {"linear_weight_gradient", linear_weight_gradient},
    {"embedding", embedding},
    {"head_loss", head_loss},
};

}  // namespace

std::span<const OperatorFamily> product_families() { return kFamilies; }

}  // namespace reprise::conformance
