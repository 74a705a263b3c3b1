// Two guards of the numeric contract: no ATen operator but those that allocate or make views, and no value whose
// gradient the autograd engine would have to add up.
#include <ATen/ops/empty.h>
#include <ATen/record_function.h>
#include <gmock/gmock.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "decoder_graph.h"
#include "hashed_model.h"
#include "reprise/core/error.h"
#include "reprise/numerics/kernels.h"

namespace reprise::model {
namespace {

// ---- What ATen is asked to do

// Allocation and views. No operator that reads or writes an element may be added here.
const std::set<std::string> kAllowedOperators = {
    "aten::empty", "aten::empty.memory_format", "aten::empty_strided", "aten::detach", "detach",
    "aten::view",  "aten::as_strided"};
// The engine announces each node it runs: ours, and the ends of the graph at the weights.
const std::vector<std::string> kAllowedNodes = {
    "autograd::engine::evaluate_function: torch::autograd::CppNode<reprise::ops::",
    "autograd::engine::evaluate_function: torch::autograd::AccumulateGrad"};

class OperatorRecorder {
 public:
  OperatorRecorder() {
    names().clear();
    handle_ = at::addGlobalCallback(
        at::RecordFunctionCallback([](const at::RecordFunction& call) -> std::unique_ptr<at::ObserverContext> {
          const std::lock_guard lock(mutex());
          names().insert(call.name());
          return nullptr;
        }).scopes({at::RecordScope::FUNCTION}));
  }
  ~OperatorRecorder() { at::removeCallback(handle_); }
  OperatorRecorder(const OperatorRecorder&) = delete;
  OperatorRecorder& operator=(const OperatorRecorder&) = delete;

  std::set<std::string> operators() const {
    const std::lock_guard lock(mutex());
    return names();
  }

 private:
  static std::set<std::string>& names() {
    static std::set<std::string> recorded;
    return recorded;
  }
  static std::mutex& mutex() {
    static std::mutex guard;
    return guard;
  }
  at::CallbackHandle handle_;
};

std::set<std::string> outside_allow_list(const std::set<std::string>& operators) {
  std::set<std::string> outside;
  for (const std::string& name : operators) {
    const bool is_node = std::any_of(kAllowedNodes.begin(), kAllowedNodes.end(),
                                     [&](const std::string& prefix) { return name.rfind(prefix, 0) == 0; });
    if (!is_node && kAllowedOperators.count(name) == 0) outside.insert(name);
  }
  return outside;
}

TEST(AllowList, AGrainCallsNoOperatorThatComputes) {
  HashedModel model;
  const Decoder decoder = model.decoder();
  const OperatorRecorder recorder;
  model.run(decoder);
  decoder.score(model.inputs, model.targets, kSmall.num_sequences, kSmall.length);
  EXPECT_THAT(recorder.operators(), ::testing::Contains("aten::empty"));
  EXPECT_THAT(outside_allow_list(recorder.operators()), ::testing::IsEmpty());
}

TEST(AllowList, ArithmeticIsSeen) {
  const OperatorRecorder recorder;
  const at::Tensor x = at::empty({4});
  x.add(x);
  EXPECT_THAT(outside_allow_list(recorder.operators()), ::testing::Contains("aten::add"));
}

// ---- Who receives more than one gradient

using torch::autograd::Node;

/// Names each input of a node that more than one edge leads to, in the graph behind `root`.
std::vector<std::string> inputs_with_many_edges(const at::Tensor& root) {
  std::map<std::pair<Node*, std::uint32_t>, int> edges;
  std::set<Node*> seen = {root.grad_fn().get()};
  std::vector<Node*> open(seen.begin(), seen.end());
  while (!open.empty()) {
    Node* node = open.back();
    open.pop_back();
    for (const torch::autograd::Edge& edge : node->next_edges()) {
      if (!edge.is_valid()) continue;
      ++edges[{edge.function.get(), edge.input_nr}];
      if (seen.insert(edge.function.get()).second) open.push_back(edge.function.get());
    }
  }
  std::vector<std::string> many;
  for (const auto& [input, count] : edges) {
    if (count > 1) many.push_back(input.first->name());
  }
  return many;
}

class FanOutGuard : public ::testing::Test {
 protected:
  FanOutGuard() : gradient_(model_.new_gradient()) {
    constants_.num_heads = 2;
    constants_.num_layers = 2;
    constants_.norm_epsilon = 1e-6f;
    constants_.cos = at::empty({kSmall.length, 4});
    constants_.sin = at::empty({kSmall.length, 4});
    numerics::rope_table(kSmall.length, 8, 500000.0, constants_.cos.mutable_data_ptr<float>(),
                         constants_.sin.mutable_data_ptr<float>());
    const std::span<float> gradient(gradient_);
    parameters_ = parameter_views(model_.layout, model_.weights, {&gradient, 1});
    hidden_ = forward_hidden(ops::exact_operators(), constants_, parameters_, ids(model_.inputs));
  }

  static at::Tensor ids(const std::vector<std::int32_t>& values) {
    return id_view(values, kSmall.num_sequences, kSmall.length);
  }

  HashedModel model_;
  std::vector<float> gradient_;
  DecoderConstants constants_;
  std::vector<ops::Parameter> parameters_;
  at::Tensor hidden_;
};

TEST_F(FanOutGuard, NoAutogradEdgeReceivesMoreThanOneContribution) {
  const ops::HeadLoss loss = ops::head_loss(hidden_, parameters_.back(), ids(model_.targets), 0.0f);
  EXPECT_THAT(inputs_with_many_edges(loss.root), ::testing::IsEmpty());
}

TEST_F(FanOutGuard, AValueUsedTwiceIsSeen) {
  const at::Tensor doubled = ops::residual_add(hidden_, hidden_);
  const ops::HeadLoss loss = ops::head_loss(doubled, parameters_.back(), ids(model_.targets), 0.0f);
  EXPECT_THAT(inputs_with_many_edges(loss.root), ::testing::SizeIs(1));
}

TEST_F(FanOutGuard, AWeightUsedTwiceIsSeen) {
  const at::Tensor again = ops::rms_norm(hidden_, parameters_[parameters_.size() - 2], 1e-6f);
  const ops::HeadLoss loss = ops::head_loss(again, parameters_.back(), ids(model_.targets), 0.0f);
  EXPECT_THAT(inputs_with_many_edges(loss.root), ::testing::SizeIs(1));
}

TEST_F(FanOutGuard, GradientsLieInTheirDestinationsWithoutACopy) {
  const ops::HeadLoss loss = ops::head_loss(hidden_, parameters_.back(), ids(model_.targets), 0.0f);
  std::vector<at::Tensor> weights;
  for (const ops::Parameter& parameter : parameters_) weights.push_back(parameter.weight);
  const at::Tensor one = at::empty({});
  *one.mutable_data_ptr<float>() = 1.0f;
  const std::vector<at::Tensor> gradients = torch::autograd::grad({loss.root}, weights, {one});
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    EXPECT_EQ(gradients[i].const_data_ptr(), parameters_[i].gradients[0].const_data_ptr()) << i;
  }
}

TEST_F(FanOutGuard, BackwardFromAnythingButOneIsAnInternalError) {
  const ops::HeadLoss loss = ops::head_loss(hidden_, parameters_.back(), ids(model_.targets), 0.0f);
  const at::Tensor two = at::empty({});
  *two.mutable_data_ptr<float>() = 2.0f;
  EXPECT_THROW(torch::autograd::grad({loss.root}, {parameters_[0].weight}, {two}), Error);
}

TEST(Operators, WrongShapesAreInternalErrorsThatSayWhich) {
  const at::Tensor x = at::empty({2, 3, 8});
  const ops::Parameter weight{at::empty({6}), {}};
  try {
    ops::rms_norm(x, weight, 1e-6f);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInternal);
    EXPECT_STREQ(error.what(), "rms_norm: weight has shape [6], expected [8]");
  }
  EXPECT_THROW(ops::linear(x, {at::empty({4, 7}), {}}), Error);
  EXPECT_THROW(ops::swiglu(x, at::empty({2, 3, 4})), Error);
  EXPECT_THROW(ops::swiglu(x.transpose(1, 2), x.transpose(1, 2)), Error) << "not contiguous";
  EXPECT_THROW(ops::residual_add(x, at::empty({2, 3, 8}, at::kDouble)), Error);
}

}  // namespace
}  // namespace reprise::model
