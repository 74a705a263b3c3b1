#pragma once
// Activations and gated units, elementwise [C-13], [C-38].

#include <ATen/core/Tensor.h>

#include "reprise/numerics/activation.h"

namespace reprise::ops {

/// Returns f(x).
at::Tensor activate(const at::Tensor& x, numerics::Activation activation);

/// Returns f(gate) * up.
at::Tensor gated(const at::Tensor& gate, const at::Tensor& up, numerics::Activation activation);

/// Returns silu(gate) * up.
at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up);

}  // namespace reprise::ops
