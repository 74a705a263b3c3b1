#pragma once
// Rotary position embedding [C-11], [C-37]: the pairs of a head turn by an angle that grows with the position.

#include <cstdint>

namespace reprise::numerics {

/// Which elements of a head turn together.
enum class RotaryPairs {
  kHalves,       // e and e + R/2: GPT-NeoX, Llama and OLMo as transformers stores them
  kInterleaved,  // 2e and 2e + 1: RoFormer, GPT-J
};

/// A head of E elements of which the first R turn; the others are copied.
struct RotaryLayout {
  std::int64_t num_heads;
  std::int64_t head_dim;    // E
  std::int64_t rotary_dim;  // R, even
  RotaryPairs pairs;
};

/// Fills cos[T, R/2] and sin[T, R/2]; inverse frequencies and angles as the contract says.
void rope_table(std::int64_t num_positions, std::int64_t rotary_dim, double theta, float* cos, float* sin);

/// y[B,T,H*E] from x; backward is the rotation by the opposite angle. In place (y == x) is allowed.
void rotary_forward(std::int64_t num_sequences, std::int64_t length, const RotaryLayout& layout, const float* x,
                    const float* cos, const float* sin, float* y);
void rotary_backward(std::int64_t num_sequences, std::int64_t length, const RotaryLayout& layout, const float* dy,
                     const float* cos, const float* sin, float* dx);

/// The same in the layout of [C-11]: halves, and all of the head turns.
void rope_forward(std::int64_t num_sequences, std::int64_t length, std::int64_t num_heads, std::int64_t head_dim,
                  const float* x, const float* cos, const float* sin, float* y);
void rope_backward(std::int64_t num_sequences, std::int64_t length, std::int64_t num_heads, std::int64_t head_dim,
                   const float* dy, const float* cos, const float* sin, float* dx);

}  // namespace reprise::numerics
