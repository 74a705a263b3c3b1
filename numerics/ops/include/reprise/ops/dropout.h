#pragma once
// Dropout [C-39].

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "reprise/numerics/dropout.h"

namespace reprise::ops {

/// Drops elements of x [B,...]; samples[B] are the global ordinals of the sequences. Nothing of the mask is kept: the
/// backward pass computes it again.
at::Tensor dropout(const at::Tensor& x, const numerics::DropoutRule& rule, std::span<const std::uint64_t> samples);

}  // namespace reprise::ops
