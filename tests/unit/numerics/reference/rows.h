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

/// [C-11], [C-37]: the first `turning` elements of each head turn, in neighbours or in halves, forward or backward.
Floats rotate_part(Index sequences, Index length, Index heads, Index dim, Index turning, bool neighbours, bool backward,
                   const Floats& x, const Floats& cos, const Floats& sin);

/// [C-38]: an activation and its slope.
struct Activated {
  float value, slope;
};
Activated relu(float x);
Activated sigmoid_activation(float x);
Activated silu(float x);
Activated gelu(float x);
Activated gelu_tanh(float x);
Gated gated(Activated (*function)(float), const Floats& gate, const Floats& up, const Floats& dy);

/// [C-39]: one sequence.
Floats dropout(std::uint64_t seed, std::uint32_t layer, std::uint32_t place, std::uint64_t sample, double rate,
               const Floats& x);

}  // namespace reference
