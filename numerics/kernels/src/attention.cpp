// Attention's options [C-40]: checks, the first key of each query, the division into groups of heads.

#include "reprise/numerics/attention.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <string>
#include <vector>

#include "attention_problem.h"
#include "reprise/core/error.h"
#include "reprise/numerics/host_math.h"

namespace reprise::numerics {
namespace {

[[noreturn]] void fail(const std::string& problem) { throw Error(ErrorKind::kInternal, "attention: " + problem); }

void check(const AttentionShape& shape, const AttentionOptions& options) {
  constexpr std::int64_t kLargestLength = 1 << 24;  // distances stay exact in float32
  if (shape.length > kLargestLength) fail("sequences are longer than 2^24: " + std::to_string(shape.length));
  if (shape.num_kv_heads < 1 || shape.num_heads % shape.num_kv_heads != 0) {
    fail("the key-value heads do not divide the query heads: " + std::to_string(shape.num_kv_heads) + " and " +
         std::to_string(shape.num_heads));
  }
  if (options.window < 0) fail("the window is negative: " + std::to_string(options.window));
  if (!(options.softcap >= 0.0f)) fail("softcap is not a positive number: " + std::to_string(options.softcap));
}

/// The first key of each query of one sequence, which never decreases; null where every query starts at key 0.
class FirstKeys {
 public:
  FirstKeys(const AttentionShape& shape, const AttentionOptions& options) : shape_(shape), options_(options) {}

  /// Returns them for one sequence, repeated beyond its end to whole query blocks. Valid until the next call in this
  /// thread.
  const std::int32_t* of(std::int64_t sequence) const {
    const bool cut = options_.window > 0 && options_.window < shape_.length;
    const bool any =
        options_.document_starts != nullptr || cut || options_.alibi_slopes != nullptr || options_.softcap != 0.0f;
    if (!any) return nullptr;
    thread_local std::vector<std::int32_t> first_keys;
    first_keys.resize(static_cast<std::size_t>((shape_.length / kQueryBlock + 1) * kQueryBlock));
    std::int64_t last = 0;
    for (std::int64_t i = 0; i < shape_.length; ++i) {
      if (options_.document_starts != nullptr) last = document_start(sequence, i, last);
      const std::int64_t first = cut ? std::max(last, i - options_.window + 1) : last;
      first_keys[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(first);
    }
    if (shape_.length > 0) {
      std::fill(first_keys.begin() + shape_.length, first_keys.end(),
                first_keys[static_cast<std::size_t>(shape_.length - 1)]);
    }
    return first_keys.data();
  }

 private:
  std::int64_t document_start(std::int64_t sequence, std::int64_t i, std::int64_t previous) const {
    const std::int64_t start = options_.document_starts[sequence * shape_.length + i];
    if (start < previous || start > i) {
      fail("the document of a token starts after it, or before the document of the token before: sequence " +
           std::to_string(sequence) + ", token " + std::to_string(i) + ", start " + std::to_string(start));
    }
    return start;
  }

  const AttentionShape& shape_;
  const AttentionOptions& options_;
};

/// Calls run(group, at, kv_at, row) for each group of query heads: offsets into q, into k, and into row_max.
template <class Run>
void for_each_group(const AttentionShape& shape, const AttentionOptions& options, const Run& run) {
  check(shape, options);
  const FirstKeys first_keys(shape, options);
  const std::int64_t heads_per_group = shape.num_heads / shape.num_kv_heads;
  const std::int64_t stride = shape.num_heads * shape.head_dim, kv_stride = shape.num_kv_heads * shape.head_dim;
  for (std::int64_t sequence = 0; sequence < shape.num_sequences; ++sequence) {
    const std::int32_t* const keys = first_keys.of(sequence);
    for (std::int64_t kv_head = 0; kv_head < shape.num_kv_heads; ++kv_head) {
      const std::int64_t head = kv_head * heads_per_group;
      AttentionGroup group{};
      group.length = shape.length, group.dim = shape.head_dim, group.num_heads = heads_per_group;
      group.stride = stride, group.kv_stride = kv_stride;
      group.scale = options.scale, group.softcap = options.softcap, group.first_key = keys;
      group.slopes = options.alibi_slopes == nullptr ? nullptr : options.alibi_slopes + head;
      run(group, sequence * shape.length * stride + head * shape.head_dim,
          sequence * shape.length * kv_stride + kv_head * shape.head_dim,
          (sequence * shape.num_heads + head) * shape.length);
    }
  }
}

}  // namespace

void attention_forward(const AttentionShape& shape, const AttentionOptions& options, const float* q, const float* k,
                       const float* v, float* out, float* row_max, float* row_sum) {
  for_each_group(shape, options,
                 [&](const AttentionGroup& base, std::int64_t at, std::int64_t kv_at, std::int64_t row) {
                   ForwardGroup group{base, out + at, row_max + row, row_sum + row};
                   group.q = q + at, group.k = k + kv_at, group.v = v + kv_at;
                   attention_forward_group(group);
                 });
}

void attention_backward(const AttentionShape& shape, const AttentionOptions& options, const float* q, const float* k,
                        const float* v, const float* out, const float* row_max, const float* row_sum, const float* dout,
                        float* dq, float* dk, float* dv) {
  for_each_group(
      shape, options, [&](const AttentionGroup& base, std::int64_t at, std::int64_t kv_at, std::int64_t row) {
        BackwardGroup group{base, out + at, row_max + row, row_sum + row, dout + at, dq + at, dk + kv_at, dv + kv_at};
        group.q = q + at, group.k = k + kv_at, group.v = v + kv_at;
        attention_backward_group(group);
      });
}

void attention_forward(std::int64_t num_sequences, std::int64_t length, std::int64_t num_heads, std::int64_t head_dim,
                       float scale, const float* q, const float* k, const float* v, float* out, float* row_max,
                       float* row_sum) {
  AttentionOptions options;
  options.scale = scale;
  attention_forward({num_sequences, length, num_heads, num_heads, head_dim}, options, q, k, v, out, row_max, row_sum);
}

void attention_backward(std::int64_t num_sequences, std::int64_t length, std::int64_t num_heads, std::int64_t head_dim,
                        float scale, const float* q, const float* k, const float* v, const float* out,
                        const float* row_max, const float* row_sum, const float* dout, float* dq, float* dk,
                        float* dv) {
  AttentionOptions options;
  options.scale = scale;
  attention_backward({num_sequences, length, num_heads, num_heads, head_dim}, options, q, k, v, out, row_max, row_sum,
                     dout, dq, dk, dv);
}

void alibi_slopes(std::span<float> slopes) {
  if (slopes.empty()) return;
  // For a power of two P: 2^(-8h / P), h from 1. Beyond the greatest P, every second slope of 2P. Exponents are exact.
  const std::size_t power = std::bit_floor(slopes.size());
  for (std::size_t head = 0; head < slopes.size(); ++head) {
    const double steps =
        head < power ? 2.0 * static_cast<double>(head + 1) : 2.0 * static_cast<double>(head - power) + 1.0;
    slopes[head] = static_cast<float>(exact_pow(2.0, -4.0 * steps / static_cast<double>(power)));
  }
}

}  // namespace reprise::numerics
