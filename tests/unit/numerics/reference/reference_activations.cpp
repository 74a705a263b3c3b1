#include <cmath>

#include "rows.h"

namespace reference {

Activated relu(float x) { return x <= 0.0f ? Activated{0.0f, 0.0f} : Activated{x, 1.0f}; }

Activated sigmoid_activation(float x) {
  const float s = sigmoid(x);
  const float complement = 1.0f - s;
  return {s, s * complement};
}

Activated silu(float x) {
  const float s = sigmoid(x);
  const float complement = 1.0f - s;
  return {x * s, s * std::fma(x, complement, 1.0f)};
}

Activated gelu(float x) {
  const float distribution = 0.5f * (1.0f + erf(x * 0x1.6a09e6p-1f));
  const float half = -0.5f * x;
  const float density = 0x1.988454p-2f * exp(half * x);
  return {x * distribution, std::fma(x, density, distribution)};
}

Activated gelu_tanh(float x) {
  const float k = 0x1.988454p+0f;
  const float product = x * x;
  const float q = product > 0x1p64f ? 0x1p64f : product;
  const float kx = k * x;
  const float s = sigmoid(kx * std::fma(0x1.6e4e26p-5f, q, 1.0f));
  const float growth = k * std::fma(0x1.12ba9ep-3f, q, 1.0f);
  const float spread = s * (1.0f - s);
  return {x * s, std::fma(x * spread, growth, s)};
}

Gated gated(Activated (*function)(float), const Floats& gate, const Floats& up, const Floats& dy) {
  Gated result{Floats(gate.size()), Floats(gate.size()), Floats(gate.size())};
  for (std::size_t i = 0; i < gate.size(); ++i) {
    const Activated opened = function(gate[i]);
    result.y[i] = opened.value * up[i];
    result.dup[i] = dy[i] * opened.value;
    const float product = dy[i] * up[i];
    result.dgate[i] = product * opened.slope;
  }
  return result;
}

}  // namespace reference
