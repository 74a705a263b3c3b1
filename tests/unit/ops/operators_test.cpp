// Row operators as autograd nodes: each gives what its kernel gives, forward and backward, and is one node.
#include "reprise/ops/operators.h"

#include <gmock/gmock.h>

#include "reprise/core/error.h"
#include "reprise/numerics/kernels.h"
#include "tensor_values.h"

namespace reprise::ops {
namespace {

using numerics::Activation;
using numerics::RotaryPairs;
using tensor_values::data;
using tensor_values::Floats;
using tensor_values::gradients_of;
using tensor_values::random_leaf;
using tensor_values::random_tensor;
using tensor_values::tensor_of;
using tensor_values::values;
using Index = std::int64_t;

constexpr Activation kActivations[] = {Activation::kRelu, Activation::kSigmoid, Activation::kSilu, Activation::kGelu,
                                       Activation::kGeluTanh};

/// The node behind `output` is of `name`, and what it leads to are the leaves: nothing lies between.
void expect_one_node(const at::Tensor& output, const std::string& name, std::size_t num_leaves) {
  ASSERT_TRUE(output.grad_fn() != nullptr);
  EXPECT_THAT(output.grad_fn()->name(), ::testing::HasSubstr(name));
  std::size_t found = 0;
  for (const torch::autograd::Edge& edge : output.grad_fn()->next_edges()) {
    if (!edge.is_valid()) continue;
    EXPECT_EQ(edge.function->name(), "torch::autograd::AccumulateGrad");
    ++found;
  }
  EXPECT_EQ(found, num_leaves);
}

TEST(LinearOperator, AddsTheBiasAfterTheProduct) {
  const at::Tensor x = random_leaf(1, {2, 3, 37});
  const Parameter weight{random_leaf(2, {5, 37}), {}}, bias{random_leaf(3, {5}), {}};
  const at::Tensor y = linear(x, weight, bias);
  expect_one_node(y, "JointLinearNode", 3);
  Floats expected(30);
  numerics::gemm_nt(6, 5, 37, data(x), 37, data(weight.weight), 37, expected.data(), 5);
  numerics::add_bias(6, 5, data(bias.weight), expected.data());
  EXPECT_EQ(values(y), expected);
}

TEST(LinearOperator, GivesTheGradientsOfTheKernels) {
  const at::Tensor x = random_leaf(4, {2, 3, 7}), dy = random_tensor(5, {2, 3, 5});
  const Parameter weight{random_leaf(6, {5, 7}), {}}, bias{random_leaf(7, {5}), {}};
  const auto gradients = gradients_of(linear(x, weight, bias), dy, {x, weight.weight, bias.weight});
  Floats dx(42), dw(35), db(5);
  numerics::gemm_nn(6, 7, 5, data(dy), 5, data(weight.weight), 7, dx.data(), 7);
  numerics::gemm_tn(5, 7, 6, data(dy), 5, data(x), 7, dw.data(), 7);
  numerics::bias_gradient(6, 5, data(dy), db.data());
  EXPECT_EQ(values(gradients[0]), dx);
  EXPECT_EQ(values(gradients[1]), dw);
  EXPECT_EQ(values(gradients[2]), db);
}

TEST(LinearOperator, WithoutABiasIsTheSameProduct) {
  const at::Tensor x = random_leaf(8, {4, 9});
  const Parameter weight{random_leaf(9, {3, 9}), {}};
  const at::Tensor y = linear(x, weight);
  expect_one_node(y, "JointLinearNode", 2);
  Floats expected(12);
  numerics::gemm_nt(4, 3, 9, data(x), 9, data(weight.weight), 9, expected.data(), 3);
  EXPECT_EQ(values(y), expected);
}

TEST(LinearOperator, AJointProjectionTakesABiasForSomeOfItsParts) {
  const at::Tensor x = random_leaf(10, {4, 9});
  const std::vector<Parameter> weights = {
      {random_leaf(11, {3, 9}), {}}, {random_leaf(12, {2, 9}), {}}, {random_leaf(13, {4, 9}), {}}};
  const std::vector<Parameter> biases = {{random_leaf(14, {3}), {}}, {}, {random_leaf(15, {4}), {}}};
  const std::vector<at::Tensor> joint = joint_linear(x, weights, biases);
  std::vector<at::Tensor> alone, dys, leaves;
  for (std::size_t i = 0; i < 3; ++i) {
    alone.push_back(linear(x, weights[i], biases[i]));
    EXPECT_EQ(values(joint[i]), values(alone[i])) << i;
    dys.push_back(random_tensor(static_cast<std::uint32_t>(20 + i), joint[i].sizes()));
  }
  const auto together = torch::autograd::grad(
      joint, {weights[0].weight, weights[1].weight, weights[2].weight, biases[0].weight, biases[2].weight}, dys);
  EXPECT_EQ(values(together[0]), values(gradients_of(alone[0], dys[0], {weights[0].weight})[0]));
  EXPECT_EQ(values(together[1]), values(gradients_of(alone[1], dys[1], {weights[1].weight})[0]));
  EXPECT_EQ(values(together[2]), values(gradients_of(alone[2], dys[2], {weights[2].weight})[0]));
  Floats db0(3), db2(4);
  numerics::bias_gradient(4, 3, data(dys[0]), db0.data());
  numerics::bias_gradient(4, 4, data(dys[2]), db2.data());
  EXPECT_EQ(values(together[3]), db0);
  EXPECT_EQ(values(together[4]), db2);
}

TEST(LayerNormOperator, GivesWhatTheKernelsGive) {
  const at::Tensor x = random_leaf(30, {2, 3, 35}), dy = random_tensor(31, {2, 3, 35});
  const Parameter weight{random_leaf(32, {35}), {}};
  for (const bool with_bias : {true, false}) {
    const Parameter bias = with_bias ? Parameter{random_leaf(33, {35}), {}} : Parameter{};
    const at::Tensor y = layer_norm(x, weight, bias, 1e-5f);
    expect_one_node(y, "LayerNormNode", with_bias ? 3 : 2);
    Floats expected(210), mean(6), inverse(6), dx(210), dweight(35), dbias(35);
    numerics::layer_norm_forward(6, 35, data(x), data(weight.weight), with_bias ? data(bias.weight) : nullptr, 1e-5f,
                                 expected.data(), mean.data(), inverse.data());
    numerics::layer_norm_backward(6, 35, data(dy), data(x), data(weight.weight), mean.data(), inverse.data(), dx.data(),
                                  dweight.data(), with_bias ? dbias.data() : nullptr);
    EXPECT_EQ(values(y), expected);
    std::vector<at::Tensor> leaves = {x, weight.weight};
    if (with_bias) leaves.push_back(bias.weight);
    const auto gradients = gradients_of(y, dy, leaves);
    EXPECT_EQ(values(gradients[0]), dx);
    EXPECT_EQ(values(gradients[1]), dweight);
    if (with_bias) {
      EXPECT_EQ(values(gradients[2]), dbias);
    }
  }
}

TEST(RotaryOperator, GivesWhatTheKernelsGive) {
  const at::Tensor x = random_leaf(40, {2, 3, 20}), dy = random_tensor(41, {2, 3, 20});
  const at::Tensor cos = at::empty({4, 3}), sin = at::empty({4, 3});
  numerics::rope_table(4, 6, 10000.0, cos.mutable_data_ptr<float>(), sin.mutable_data_ptr<float>());
  for (const RotaryPairs pairs : {RotaryPairs::kHalves, RotaryPairs::kInterleaved}) {
    const at::Tensor y = rotary(x, cos, sin, 2, pairs);
    expect_one_node(y, "RotaryNode", 1);
    Floats forward(120), backward(120);
    numerics::rotary_forward(2, 3, {2, 10, 6, pairs}, data(x), data(cos), data(sin), forward.data());
    numerics::rotary_backward(2, 3, {2, 10, 6, pairs}, data(dy), data(cos), data(sin), backward.data());
    EXPECT_EQ(values(y), forward);
    EXPECT_EQ(values(gradients_of(y, dy, {x})[0]), backward);
  }
}

TEST(ActivationOperators, GiveWhatTheKernelsGive) {
  const at::Tensor x = random_leaf(50, {3, 7}), up = random_leaf(51, {3, 7}), dy = random_tensor(52, {3, 7});
  for (const Activation activation : kActivations) {
    Floats y(21), dx(21), product(21), dgate(21), dup(21);
    numerics::activation_forward(activation, 21, data(x), y.data());
    numerics::activation_backward(activation, 21, data(x), data(dy), dx.data());
    numerics::gated_forward(activation, 21, data(x), data(up), product.data());
    numerics::gated_backward(activation, 21, data(x), data(up), data(dy), dgate.data(), dup.data());
    const at::Tensor activated = activate(x, activation), opened = gated(x, up, activation);
    expect_one_node(activated, "ActivationNode", 1);
    expect_one_node(opened, "GatedNode", 2);
    EXPECT_EQ(values(activated), y);
    EXPECT_EQ(values(opened), product);
    EXPECT_EQ(values(gradients_of(activated, dy, {x})[0]), dx);
    const auto gradients = gradients_of(opened, dy, {x, up});
    EXPECT_EQ(values(gradients[0]), dgate);
    EXPECT_EQ(values(gradients[1]), dup);
  }
}

TEST(DropoutOperator, DropsTheSameElementsForwardAndBackward) {
  const at::Tensor x = random_leaf(60, {2, 5, 30}), dy = random_tensor(61, {2, 5, 30});
  const std::uint64_t samples[] = {12, 0xffffffffffffu};
  const auto rule = numerics::dropout_rule(0x8000000000000001u, 17, 0.4);
  const at::Tensor y = dropout(x, rule, samples);
  expect_one_node(y, "DropoutNode", 1);
  Floats forward(300), backward(300);
  numerics::dropout(2, 150, rule, samples, data(x), forward.data());
  numerics::dropout(2, 150, rule, samples, data(dy), backward.data());
  EXPECT_EQ(values(y), forward);
  EXPECT_EQ(values(gradients_of(y, dy, {x})[0]), backward);
}

TEST(FanOut, AddsTheGradientsOfThreeUsesLeftToRight) {
  const at::Tensor x = random_leaf(70, {2});
  const std::vector<at::Tensor> uses = fan_out(x, 3);
  ASSERT_EQ(uses.size(), 3u);
  expect_one_node(uses[0], "FanOutNode", 1);
  // Only (1e8 + -1e8) + 1 is 1, and only (1 + 1e8) + -1e8 is 0.
  const std::vector<at::Tensor> dys = {tensor_of({1e8f, 1.0f}, {2}), tensor_of({-1e8f, 1e8f}, {2}),
                                       tensor_of({1.0f, -1e8f}, {2})};
  const at::Tensor dx = torch::autograd::grad(uses, {x}, dys)[0];
  EXPECT_EQ(values(dx), (Floats{1.0f, 0.0f}));
  EXPECT_EQ(values(dys[1]), (Floats{-1e8f, 1e8f})) << "a gradient that was given was written";
}

TEST(FanOut, AUseWithoutAGradientIsAnInternalErrorThatSaysWhich) {
  const at::Tensor x = random_leaf(71, {2});
  const std::vector<at::Tensor> uses = fan_out(x, 3);
  const at::Tensor dy = random_tensor(72, {2});
  try {
    torch::autograd::grad({uses[0], uses[1]}, {x}, {dy, dy});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("fan_out: gradient of use 3 is undefined"));
  }
}

TEST(RowOperators, WrongShapesAreInternalErrorsThatSayWhich) {
  const auto message = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInternal);
      return error.what();
    }
    return "no error";
  };
  const at::Tensor x = at::empty({2, 3, 8}), table = at::empty({3, 2}), short_table = at::empty({2, 2});
  const Parameter eight{at::empty({8}), {}}, seven{at::empty({7}), {}}, square{at::empty({8, 8}), {}};
  const std::uint64_t sample[] = {1};
  EXPECT_EQ(message([&] { linear(x, square, seven); }), "linear: bias has shape [7], expected [8]");
  EXPECT_EQ(message([&] { layer_norm(x, seven, {}, 1e-5f); }), "layer_norm: weight has shape [7], expected [8]");
  EXPECT_EQ(message([&] { layer_norm(x, eight, seven, 1e-5f); }), "layer_norm: bias has shape [7], expected [8]");
  EXPECT_EQ(message([&] { gated(x, table, Activation::kRelu); }), "gated: up has shape [3, 2], expected [2, 3, 8]");
  EXPECT_EQ(message([&] { activate(x.transpose(0, 1), Activation::kRelu); }), "activate: x is not contiguous");
  EXPECT_EQ(message([&] { rotary(x, table, short_table, 2, RotaryPairs::kHalves); }),
            "rope: sin has shape [2, 2], expected [3, 2]");
  EXPECT_NE(message([&] { rotary(x, short_table, short_table, 2, RotaryPairs::kHalves); }), "no error");
  EXPECT_NE(message([&] { rotary(x, table, table, 3, RotaryPairs::kHalves); }), "no error");
  EXPECT_NE(message([&] { dropout(x, numerics::dropout_rule(1, 8, 0.5), sample); }), "no error");
  EXPECT_NE(message([&] { fan_out(x, 1); }), "no error");
}

}  // namespace
}  // namespace reprise::ops
