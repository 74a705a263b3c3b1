#pragma once
// Activations and gated units on a GPU [C-13], [C-38]. y may be x, dx may be dy, dgate or dup may be dy.

#include <cstdint>

#include "queue.h"
#include "reprise/numerics/activation.h"

namespace reprise::numerics::cuda {

void activation_forward(Queue& queue, Activation activation, std::int64_t count, const float* x, float* y);
void activation_backward(Queue& queue, Activation activation, std::int64_t count, const float* x, const float* dy,
                         float* dx);
void gated_forward(Queue& queue, Activation activation, std::int64_t count, const float* gate, const float* up,
                   float* y);
void gated_backward(Queue& queue, Activation activation, std::int64_t count, const float* gate, const float* up,
                    const float* dy, float* dgate, float* dup);

}  // namespace reprise::numerics::cuda
