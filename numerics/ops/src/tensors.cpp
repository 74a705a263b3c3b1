#include "tensors.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/util/accumulate.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "reprise/core/error.h"

namespace reprise::ops {
namespace {

constexpr std::size_t kPooledBytes = 64 << 10;

[[noreturn]] void fail(std::string_view name, const std::string& problem) {
  throw Error(ErrorKind::kInternal, fmt::format("{} {}", name, problem));
}

void expect_plain(const at::Tensor& tensor, at::ScalarType dtype, std::string_view name) {
  if (!tensor.defined()) fail(name, "is undefined: no value or no gradient arrived");
  if (tensor.scalar_type() != dtype) {
    fail(name, fmt::format("has dtype {}, expected {}", c10::toString(tensor.scalar_type()), c10::toString(dtype)));
  }
  if (tensor.device().type() != tensor_device().type()) {
    fail(name, fmt::format("is not in the memory of the device that computes ({})", active_device().kind()));
  }
  if (!tensor.is_contiguous()) fail(name, "is not contiguous");
}

}  // namespace

const float* float_data(const at::Tensor& tensor, std::string_view name) {
  expect_plain(tensor, at::kFloat, name);
  return tensor.const_data_ptr<float>();
}

float* mutable_float_data(const at::Tensor& tensor, std::string_view name) {
  expect_plain(tensor, at::kFloat, name);
  return tensor.mutable_data_ptr<float>();
}

const std::int32_t* int32_data(const at::Tensor& tensor, std::string_view name) {
  expect_plain(tensor, at::kInt, name);
  return tensor.const_data_ptr<std::int32_t>();
}

void expect_shape(const at::Tensor& tensor, at::IntArrayRef sizes, std::string_view name) {
  if (!tensor.defined()) fail(name, "is undefined: no value or no gradient arrived");
  if (tensor.sizes() != sizes) {
    fail(name, fmt::format("has shape [{}], expected [{}]", fmt::join(tensor.sizes(), ", "), fmt::join(sizes, ", ")));
  }
}

at::Tensor allocate(at::IntArrayRef sizes) {
  numerics::Device& device = active_device();
  const at::Device place = tensor_device();
  const auto options = at::TensorOptions().dtype(at::kFloat).device(place);
  const std::size_t num_bytes = static_cast<std::size_t>(c10::multiply_integers(sizes)) * sizeof(float);
  if (place.is_cpu() && num_bytes < kPooledBytes) return at::empty(sizes, options);
  // The values between operators: every grain asks for the same sizes again, so the device recycles them.
  void* const block = device.take(num_bytes);
  return at::for_blob(block, sizes)
      .deleter([&device, num_bytes](void* data) { device.give(data, num_bytes); })
      .options(options)
      .target_device(place)
      .make_tensor();
}

at::Tensor allocate_scalar() { return at::empty({}, at::TensorOptions().dtype(at::kFloat)); }

float* scalar_data(const at::Tensor& tensor, std::string_view name) {
  expect_shape(tensor, {}, name);
  REPRISE_CHECK(tensor.is_cpu());
  return tensor.mutable_data_ptr<float>();
}

std::vector<at::Tensor> gradients_of(const at::Tensor& weight, std::span<const at::Tensor> destinations) {
  if (destinations.empty()) return {allocate(weight.sizes())};
  for (const at::Tensor& destination : destinations) {
    expect_shape(destination, weight.sizes(), "destination of a gradient");
  }
  return {destinations.begin(), destinations.end()};
}

std::int64_t rows_per_grain(std::int64_t num_rows, std::size_t num_grains) {
  const auto count = static_cast<std::int64_t>(num_grains);
  REPRISE_CHECK(count > 0);
  REPRISE_CHECK_EQ(num_rows % count, 0);
  return num_rows / count;
}

std::vector<std::int64_t> with_last_size(const at::Tensor& x, std::int64_t last) {
  std::vector<std::int64_t> sizes = x.sizes().vec();
  REPRISE_CHECK(!sizes.empty());
  sizes.back() = last;
  return sizes;
}

}  // namespace reprise::ops
