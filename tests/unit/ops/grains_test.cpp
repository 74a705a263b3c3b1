// Gradients of parameters when a batch holds several grains: each is a sum over its own rows and lies in its own place.
#include <gtest/gtest.h>

#include "reprise/core/error.h"
#include "reprise/numerics/kernels.h"
#include "reprise/ops/operators.h"
#include "tensor_values.h"

namespace reprise::ops {
namespace {

using tensor_values::data;
using tensor_values::Floats;
using tensor_values::gradients_of;
using tensor_values::random_leaf;
using tensor_values::random_tensor;
using tensor_values::values;

/// A parameter with places for the gradients of two grains.
Parameter parameter_of_two_grains(std::uint32_t seed, at::IntArrayRef sizes) {
  return {random_leaf(seed, sizes), {at::empty(sizes), at::empty(sizes)}};
}

TEST(Grains, TheBiasOfALinearLayerHasAGradientForEach) {
  const at::Tensor x = random_leaf(1, {2, 3, 7}), dy = random_tensor(2, {2, 3, 5});
  const Parameter weight = parameter_of_two_grains(3, {5, 7}), bias = parameter_of_two_grains(4, {5});
  const auto gradients = gradients_of(linear(x, weight, bias), dy, {weight.weight, bias.weight});
  EXPECT_EQ(gradients[0].const_data_ptr(), weight.gradients[0].const_data_ptr());
  EXPECT_EQ(gradients[1].const_data_ptr(), bias.gradients[0].const_data_ptr());
  for (std::size_t grain = 0; grain < 2; ++grain) {
    Floats dw(35), db(5);
    numerics::gemm_tn(5, 7, 3, data(dy) + grain * 15, 5, data(x) + grain * 21, 7, dw.data(), 7);
    numerics::bias_gradient(3, 5, data(dy) + grain * 15, db.data());
    EXPECT_EQ(values(weight.gradients[grain]), dw) << grain;
    EXPECT_EQ(values(bias.gradients[grain]), db) << grain;
  }
}

TEST(Grains, LayerNormHasGradientsForEachAndTheSameInputGradientAsOne) {
  const at::Tensor x = random_leaf(5, {2, 3, 33}), dy = random_tensor(6, {2, 3, 33});
  const Parameter weight = parameter_of_two_grains(7, {33}), bias = parameter_of_two_grains(8, {33});
  const auto gradients = gradients_of(layer_norm(x, weight, bias, 1e-5f), dy, {x, weight.weight, bias.weight});
  const Parameter whole_weight{weight.weight, {}}, whole_bias{bias.weight, {}};
  EXPECT_EQ(values(gradients[0]), values(gradients_of(layer_norm(x, whole_weight, whole_bias, 1e-5f), dy, {x})[0]));
  EXPECT_EQ(gradients[1].const_data_ptr(), weight.gradients[0].const_data_ptr());
  EXPECT_EQ(gradients[2].const_data_ptr(), bias.gradients[0].const_data_ptr());
  for (std::size_t grain = 0; grain < 2; ++grain) {
    const float* x_part = data(x) + grain * 99;
    const float* dy_part = data(dy) + grain * 99;
    Floats y(99), mean(3), inverse(3), dx(99), dweight(33), dbias(33);
    numerics::layer_norm_forward(3, 33, x_part, data(weight.weight), data(bias.weight), 1e-5f, y.data(), mean.data(),
                                 inverse.data());
    numerics::layer_norm_backward(3, 33, dy_part, x_part, data(weight.weight), mean.data(), inverse.data(), dx.data(),
                                  dweight.data(), dbias.data());
    EXPECT_EQ(values(weight.gradients[grain]), dweight) << grain;
    EXPECT_EQ(values(bias.gradients[grain]), dbias) << grain;
  }
}

TEST(Grains, AParameterWithFewerPlacesThanTheOthersIsAnInternalError) {
  const at::Tensor x = random_leaf(9, {2, 3, 7});
  const Parameter weight = parameter_of_two_grains(10, {5, 7}), bias{random_leaf(11, {5}), {}};
  EXPECT_THROW(linear(x, weight, bias), Error);
  const Parameter norm = parameter_of_two_grains(12, {7}), norm_bias{random_leaf(13, {7}), {}};
  EXPECT_THROW(layer_norm(x, norm, norm_bias, 1e-5f), Error);
}

}  // namespace
}  // namespace reprise::ops
