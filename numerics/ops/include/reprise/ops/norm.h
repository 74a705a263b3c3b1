#pragma once
// Normalisation over the last axis [C-10], [C-35].

#include "reprise/ops/parameter.h"

namespace reprise::ops {

/// Returns x / rms(x) * weight.
at::Tensor rms_norm(const at::Tensor& x, const Parameter& weight, float epsilon);

/// Returns (x - mean) / deviation * weight + bias; a bias whose weight is undefined is none.
at::Tensor layer_norm(const at::Tensor& x, const Parameter& weight, const Parameter& bias, float epsilon);

}  // namespace reprise::ops
