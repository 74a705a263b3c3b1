#pragma once
// Activations and gated units, elementwise [C-13], [C-38].

#include <cstdint>

namespace reprise::numerics {

enum class Activation {
  kRelu,
  kSigmoid,
  kSilu,      // x * sigmoid(x)
  kGelu,      // x * Phi(x), Phi through erf
  kGeluTanh,  // the tanh approximation of GELU
};

/// y = f(x); backward: dx = dy * f'(x). y may be x, dx may be dy.
void activation_forward(Activation activation, std::int64_t count, const float* x, float* y);
void activation_backward(Activation activation, std::int64_t count, const float* x, const float* dy, float* dx);

/// y = f(gate) * up: SwiGLU, GEGLU, ReGLU, GLU by the activation. dgate or dup may be dy.
void gated_forward(Activation activation, std::int64_t count, const float* gate, const float* up, float* y);
void gated_backward(Activation activation, std::int64_t count, const float* gate, const float* up, const float* dy,
                    float* dgate, float* dup);

/// The same with kSilu.
void swiglu_forward(std::int64_t count, const float* gate, const float* up, float* y);
void swiglu_backward(std::int64_t count, const float* gate, const float* up, const float* dy, float* dgate, float* dup);

}  // namespace reprise::numerics
