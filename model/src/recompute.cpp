#include "recompute.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <utility>
#include <vector>

namespace reprise::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// The piece and its parameters, in a form that a node can keep.
struct Kept : torch::CustomClassHolder {
  Piece piece;
  std::vector<at::Tensor> weights;
};

struct RecomputedNode : torch::autograd::Function<RecomputedNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, at::TensorList,
                            const c10::intrusive_ptr<Kept>& kept) {
    context->set_materialize_grads(false);
    context->save_for_backward({x});
    context->saved_data["kept"] = c10::IValue::make_capsule(kept);
    return kept->piece(x);  // runs without a graph
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto kept = c10::static_intrusive_pointer_cast<Kept>(context->saved_data["kept"].toCapsule());
    const at::AutoGradMode with_graph(true);
    variable_list inputs = {context->get_saved_variables()[0].detach().set_requires_grad(true)};
    const at::Tensor output = kept->piece(inputs[0]);
    inputs.insert(inputs.end(), kept->weights.begin(), kept->weights.end());
    variable_list result = torch::autograd::grad({output}, inputs, {gradients[0]});
    result.emplace_back();  // of `kept`
    return result;
  }
};

}  // namespace

at::Tensor recomputed(const at::Tensor& x, std::span<const ops::Parameter> used, Piece piece) {
  auto kept = c10::make_intrusive<Kept>();
  kept->piece = std::move(piece);
  for (const ops::Parameter& parameter : used) kept->weights.push_back(parameter.weight);
  return RecomputedNode::apply(x, at::TensorList(kept->weights), kept);
}

}  // namespace reprise::model
