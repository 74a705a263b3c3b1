#pragma once
// Tensors with values for the tests of operators, made without ATen arithmetic.

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace tensor_values {

using Floats = std::vector<float>;

inline at::Tensor tensor_of(const Floats& values, at::IntArrayRef sizes) {
  at::Tensor tensor = at::empty(sizes, at::kFloat);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<float>());
  return tensor;
}

/// Standard normal values from a fixed seed.
inline at::Tensor random_tensor(std::uint32_t seed, at::IntArrayRef sizes) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  at::Tensor tensor = at::empty(sizes, at::kFloat);
  for (std::int64_t i = 0; i < tensor.numel(); ++i) tensor.mutable_data_ptr<float>()[i] = normal(generator);
  return tensor;
}

/// The same as a leaf of the graph.
inline at::Tensor random_leaf(std::uint32_t seed, at::IntArrayRef sizes) {
  return random_tensor(seed, sizes).set_requires_grad(true);
}

inline const float* data(const at::Tensor& tensor) { return tensor.const_data_ptr<float>(); }

inline Floats values(const at::Tensor& tensor) { return {data(tensor), data(tensor) + tensor.numel()}; }

/// Returns the gradients of `inputs` for one output and the gradient that arrives at it.
inline std::vector<at::Tensor> gradients_of(const at::Tensor& output, const at::Tensor& dy,
                                            const std::vector<at::Tensor>& inputs) {
  return torch::autograd::grad({output}, inputs, {dy});
}

}  // namespace tensor_values
