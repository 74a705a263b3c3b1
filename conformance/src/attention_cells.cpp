// Cells of attention: plain, and with any combination of its options.

#include <fmt/format.h>

#include <array>

#include "cell_families.h"

namespace reprise::conformance {
namespace {

using numerics::AttentionOptions;
using numerics::AttentionShape;
using numerics::Device;

/// Documents of random lengths: where that of each token starts.
std::vector<std::int32_t> document_starts(RandomStream& random, const AttentionShape& shape) {
  std::vector<std::int32_t> starts;
  for (std::int64_t sequence = 0; sequence < shape.num_sequences; ++sequence) {
    std::int64_t start = 0;
    for (std::int64_t i = 0; i < shape.length; ++i) {
      if (random.word() % 32 == 0) start = i;
      starts.push_back(static_cast<std::int32_t>(start));
    }
  }
  return starts;
}

AttentionShape any_shape(RandomStream& random, CellSize size) {
  static constexpr std::int64_t kUsual[] = {64, 64, 128, 32, 96};
  AttentionShape shape{};
  shape.num_sequences = random.integer(1, 3);
  shape.length = any_size(random, size == CellSize::kSmall ? 90 : 1100);
  shape.num_kv_heads = random.integer(1, 3);
  shape.num_heads = shape.num_kv_heads * random.integer(1, 3);
  const bool usual = size == CellSize::kFull && random.coin();
  shape.head_dim = usual ? random.one_of(std::span<const std::int64_t>(kUsual)) : random.integer(1, 80);
  return shape;
}

/// What a cell needs besides q, k, v.
struct Options {
  AttentionOptions plain;
  std::vector<float> slopes;
  std::vector<std::int32_t> starts;

  /// With addresses in the memory of a device; slopes stay in the host's.
  AttentionOptions on(numerics::DeviceMemory& memory) const {
    AttentionOptions options = plain;
    if (!slopes.empty()) options.alibi_slopes = slopes.data();
    if (!starts.empty()) options.document_starts = memory.copy_of(starts);
    return options;
  }
};

Options any_options(RandomStream& random, const AttentionShape& shape) {
  Options options;
  options.plain.scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim));
  if (random.coin()) return options;
  if (random.coin()) options.plain.window = random.integer(1, shape.length + 1);
  if (random.coin()) options.plain.softcap = 20.0f;
  if (random.coin()) {
    options.slopes.resize(static_cast<std::size_t>(shape.num_heads));
    numerics::alibi_slopes(options.slopes);
  }
  if (random.coin()) options.starts = document_starts(random, shape);
  return options;
}

Cell attention(RandomStream& random, CellSize size) {
  const AttentionShape shape = any_shape(random, size);
  const Options options = any_options(random, shape);
  const std::int64_t count = shape.num_sequences * shape.length * shape.num_heads * shape.head_dim;
  const std::int64_t kv_count = count / shape.num_heads * shape.num_kv_heads;
  const std::int64_t rows = shape.num_sequences * shape.length * shape.num_heads;
  const std::vector<float> q = random.values(count), k = random.values(kv_count), v = random.values(kv_count);
  const std::vector<float> dout = random.values(count);
  return {fmt::format("B={} T={} H={} G={} E={} window={} softcap={} alibi={} documents={}", shape.num_sequences,
                      shape.length, shape.num_heads, shape.num_kv_heads, shape.head_dim, options.plain.window,
                      options.plain.softcap, !options.slopes.empty(), !options.starts.empty()),
          [=](Device& device) {
            Outputs out(device);
            const AttentionOptions with = options.on(out.memory());
            const float* const queries = out.memory().copy_of(q);
            const float* const keys = out.memory().copy_of(k);
            const float* const values = out.memory().copy_of(v);
            float* const mixed = out.add(count);
            float* const row_max = out.add(rows);
            float* const row_sum = out.add(rows);
            device.attention_forward(shape, with, queries, keys, values, mixed, row_max, row_sum);
            device.attention_backward(shape, with, queries, keys, values, mixed, row_max, row_sum,
                                      out.memory().copy_of(dout), out.add(count), out.add(kv_count), out.add(kv_count));
            return out.read();
          }};
}

// Twice, so that more of the cells are of the operator with the most cases.
constexpr OperatorFamily kFamilies[] = {{"attention", attention}, {"attention", attention}};

}  // namespace

std::span<const OperatorFamily> attention_families() { return kFamilies; }

}  // namespace reprise::conformance
