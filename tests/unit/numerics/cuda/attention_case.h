#pragma once
// One case of attention on two devices.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "two_devices.h"

namespace reprise::numerics {

struct AttentionCase {
  AttentionShape shape;  // sequences, length, heads, key-value heads, head size
  std::int64_t window = 0;
  float softcap = 0.0f;
  bool biased = false;
  std::vector<std::int32_t> document_starts = {};
  float spread = 1.5f;        // of q and k: how far scores lie apart
  bool hard = false;          // zeros of both signs, subnormals and large values among the inputs
  bool vanishing = false;     // of two tokens: every product in the second's row of delta underflows to -0
  std::int64_t poisoned = 0;  // so many tokens of the first sequence are NaNs, and what comes of them is not compared
  int offset = 0;             // of every array, in floats: 16-byte accesses are possible at 0 alone
};

/// q, k, v and dout (seeds 1 to 4) of the case `vanishing`.
inline float vanishing_value(unsigned seed, bool is_second, std::int64_t dim) {
  const float scaled = 4.605f * static_cast<float>(std::sqrt(static_cast<double>(dim))) / static_cast<float>(dim);
  switch (seed) {
    case 1:
      return 1.0f;
    case 2:
      return is_second ? scaled + 0.01f : 0.01f;
    case 3:
      return is_second ? -1e-30f : -6e-22f;
    default:
      return is_second ? 1.01e-22f : 0.0f;
  }
}

inline std::vector<float> attention_values(const AttentionCase& c, std::int64_t heads, unsigned seed, float spread) {
  const AttentionShape& s = c.shape;
  std::vector<float> x = random_values(s.num_sequences * s.length * heads * s.head_dim + c.offset, seed, c.hard);
  for (float& value : x) value *= spread;
  for (std::int64_t i = 0; c.vanishing && i < 2 * s.head_dim; ++i) {
    x[static_cast<std::size_t>(i)] = vanishing_value(seed, i >= s.head_dim, s.head_dim);
  }
  std::fill_n(x.begin() + c.offset, c.poisoned * heads * s.head_dim, NAN);
  return x;
}

/// Emulated GPUs that differ in what they do: heads of 65 to 128 are kept whole where there is shared memory for them.
inline std::vector<int> gpus_of(const AttentionCase& c) {
  if (c.shape.head_dim <= 64 || c.shape.head_dim > 128) return {emulation::kDevice};
  return {emulation::kDevice, emulation::kLargeDevice};
}

/// Expects the bits of everything that forward and backward give.
inline void expect_same_attention(const AttentionCase& c) {
  const AttentionShape& s = c.shape;
  SCOPED_TRACE(testing::Message() << s.num_sequences << " x " << s.length << " x " << s.num_heads << "/"
                                  << s.num_kv_heads << " x " << s.head_dim << ", window " << c.window << ", softcap "
                                  << c.softcap << ", biased " << c.biased << ", documents " << c.document_starts.size()
                                  << ", offset " << c.offset);
  std::vector<float> slopes(static_cast<std::size_t>(s.num_heads));
  alibi_slopes(slopes);
  const Compute compute = [&](Device& device, DeviceMemory& memory) {
    AttentionOptions options;
    options.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(s.head_dim)));
    options.window = c.window, options.softcap = c.softcap;
    options.alibi_slopes = c.biased ? slopes.data() : nullptr;
    options.document_starts = c.document_starts.empty() ? nullptr : memory.copy_of(c.document_starts);
    const std::int64_t rows = s.num_sequences * s.length * s.num_heads, queries = rows * s.head_dim;
    const std::int64_t keys = queries / s.num_heads * s.num_kv_heads;
    const auto input = [&](std::int64_t heads, unsigned seed, float spread) {
      return memory.copy_of(attention_values(c, heads, seed, spread)) + c.offset;
    };
    const auto output = [&](std::int64_t count) { return memory.output(count + c.offset) + c.offset; };
    const float *const q = input(s.num_heads, 1, c.spread), *const k = input(s.num_kv_heads, 2, c.spread);
    const float *const v = input(s.num_kv_heads, 3, 1.0f), *const dout = input(s.num_heads, 4, 1.0f);
    float *const out = output(queries), *const row_max = output(rows), *const row_sum = output(rows);
    device.attention_forward(s, options, q, k, v, out, row_max, row_sum);
    std::vector<float> all = memory.values(row_max, rows);
    append(all, memory.values(row_sum, rows));
    append(all, memory.values(out, queries));
    float *const dq = output(queries), *const dk = output(keys), *const dv = output(keys);
    device.attention_backward(s, options, q, k, v, out, row_max, row_sum, dout, dq, dk, dv);
    append(all, memory.values(dq, queries));
    append(all, memory.values(dk, keys));
    append(all, memory.values(dv, keys));
    // NaNs have no defined bits; without poison there are none.
    for (float& x : all) x = c.poisoned > 0 && std::isnan(x) ? 0.0f : x;
    return all;
  };
  expect_same_bits(compute, gpus_of(c));
}

}  // namespace reprise::numerics
