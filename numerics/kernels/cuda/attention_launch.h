#pragma once
// The host's side of attention's kernels.

#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include "attention_rule.h"
#include "attention_tiles.h"

namespace reprise::numerics::cuda {

inline AttentionCall attention_call(const AttentionShape& shape, const AttentionOptions& options,
                                    std::initializer_list<const float*> arrays) {
  AttentionCall call{};
  call.length = shape.length, call.num_heads = shape.num_heads, call.num_kv_heads = shape.num_kv_heads;
  call.dim = shape.head_dim;
  call.aligned = shape.head_dim % 4 == 0;
  for (const float* const array : arrays) {
    if (reinterpret_cast<std::uintptr_t>(array) % 16 != 0) call.aligned = false;
  }
  call.scale = options.scale, call.softcap = options.softcap;
  call.inverse_cap = options.softcap == 0.0f ? 0.0f : 1.0f / options.softcap;
  call.window = options.window < shape.length ? static_cast<int>(options.window) : 0;
  call.document_starts = options.document_starts;
  call.biased = options.alibi_slopes != nullptr;
  for (std::int64_t head = 0; call.biased && head < shape.num_heads; ++head) {
    call.slopes[head] = options.alibi_slopes[head];
  }
  return call;
}

/// Heads that a block sums alone.
inline constexpr Index kLongestOfOneBlock = 2 * kTile;

/// Calls run(chunks of 64 elements that a block sums, HeadSize, whether there are no options). Larger heads are summed
/// by several blocks, each of which computes all dots. Heads of more than 64 elements are kept whole up to
/// `longest_whole`, which changes no bits.
template <typename Run>
void choose_kernel(const AttentionCall& call, Index longest_whole, const Run& run) {
  const bool plain = call.softcap == 0.0f && call.window == 0 && call.document_starts == nullptr && !call.biased;
  const auto with = [&](auto chunks, auto size) {
    if (plain) {
      run(chunks, size, std::true_type());
    } else {
      run(chunks, size, std::false_type());
    }
  };
  using One = std::integral_constant<int, 1>;
  using Two = std::integral_constant<int, 2>;
  if (call.dim <= kTile) {
    with(One(), std::integral_constant<HeadSize, HeadSize::kWhole>());
  } else if (call.dim <= longest_whole) {
    with(Two(), std::integral_constant<HeadSize, HeadSize::kWhole>());
  } else if (call.dim <= 256) {
    with(Two(), std::integral_constant<HeadSize, HeadSize::kOneSegment>());
  } else {
    with(One(), std::integral_constant<HeadSize, HeadSize::kAny>());
  }
}

}  // namespace reprise::numerics::cuda
