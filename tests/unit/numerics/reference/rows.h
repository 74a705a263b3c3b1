#pragma once
// The scalar reference of the row operators [C-35] to [C-39]: written from the clauses, with the building blocks of
// reference.h and no code of the kernels.

#include "reference.h"

namespace reference {

struct LayerNorm {
  Floats y, mean, inverse_deviation, dx, dweight, dbias;
};
/// [C-35]; without a bias when `bias` is empty.
LayerNorm layer_norm(Index rows, Index dim, const Floats& x, const Floats& weight, const Floats& bias, float epsilon,
                     const Floats& dy);

/// [C-36]: the rows of y, each plus the bias.
Floats with_bias(Index dim, const Floats& y, const Floats& bias);
/// [C-36]: the gradient of the bias.
Floats bias_gradient(Index rows, Index dim, const Floats& dy);

}  // namespace reference
