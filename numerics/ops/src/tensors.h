#pragma once
// What every operator needs of its tensors: raw pointers after a check, and new tensors without values.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "reprise/ops/device_scope.h"
#include "reprise/ops/operators.h"

namespace reprise::ops {

/// Returns the data of a contiguous float32 tensor of the active device; `name` says which in the error ("rms_norm:
/// x").
const float* float_data(const at::Tensor& tensor, std::string_view name);
float* mutable_float_data(const at::Tensor& tensor, std::string_view name);
const std::int32_t* int32_data(const at::Tensor& tensor, std::string_view name);

/// Throws Error(kInternal) unless `tensor` has the shape `sizes`.
void expect_shape(const at::Tensor& tensor, at::IntArrayRef sizes, std::string_view name);

/// Returns an uninitialised float32 tensor of the active device. The only allocation of the operators.
at::Tensor allocate(at::IntArrayRef sizes);
/// Returns a scalar in the host's memory: the root of a graph and its gradient, on any device.
at::Tensor allocate_scalar();
float* scalar_data(const at::Tensor& tensor, std::string_view name);

/// The destinations of a weight's gradient, one per grain, as an argument of a node: not variables of the graph.
struct Destinations {
  std::span<const at::Tensor> tensors;
};

/// Returns where the gradients of a weight go, one per grain: the destinations, or a new tensor when there are none.
std::vector<at::Tensor> gradients_of(const at::Tensor& weight, std::span<const at::Tensor> destinations);

/// Returns the rows of one of `num_grains` equal parts. Throws Error(kInternal) unless they divide.
std::int64_t rows_per_grain(std::int64_t num_rows, std::size_t num_grains);

/// Returns the sizes of `x` with the last one replaced.
std::vector<std::int64_t> with_last_size(const at::Tensor& x, std::int64_t last);

/// Returns the number of rows of the last axis.
inline std::int64_t num_rows(const at::Tensor& x) { return x.size(-1) == 0 ? 0 : x.numel() / x.size(-1); }

}  // namespace reprise::ops
