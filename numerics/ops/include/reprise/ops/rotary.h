#pragma once
// Rotary position embedding [C-11], [C-37].

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "reprise/numerics/rotary.h"

namespace reprise::ops {

/// Rotates the first R elements of each head of x [B,T,H*E] by its position; the tables are [>=T, R/2].
at::Tensor rotary(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, std::int64_t num_heads,
                  numerics::RotaryPairs pairs);

/// Rotates all of each head in halves; the tables, [>=T, E/2], say how many heads there are.
at::Tensor rope(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin);

}  // namespace reprise::ops
