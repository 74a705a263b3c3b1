#include <torch/csrc/autograd/custom_function.h>

#include "reprise/core/error.h"
#include "reprise/numerics/kernels.h"
#include "reprise/ops/operators.h"
#include "tensors.h"

namespace reprise::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct EmbeddingNode : torch::autograd::Function<EmbeddingNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& table, const Destination& destination,
                            const at::Tensor& ids) {
    REPRISE_CHECK_EQ(table.dim(), 2);
    std::vector<std::int64_t> sizes = ids.sizes().vec();
    sizes.push_back(table.size(1));
    at::Tensor y = allocate(sizes);
    numerics::embedding_forward(ids.numel(), table.size(1), int32_data(ids, "embedding: ids"),
                                float_data(table, "embedding: table"), mutable_float_data(y, "embedding: y"));
    context->set_materialize_grads(false);
    context->save_for_backward({table, destination.tensor, ids});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& table = saved[0];
    const at::Tensor& ids = saved[2];
    at::Tensor dtable = gradient_of(table, saved[1]);
    numerics::embedding_backward(ids.numel(), table.size(1), table.size(0), int32_data(ids, "embedding: ids"),
                                 float_data(gradients[0], "embedding: dy"),
                                 mutable_float_data(dtable, "embedding: dtable"));
    return {dtable, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor embedding(const at::Tensor& ids, const Parameter& table) {
  return EmbeddingNode::apply(table.weight, Destination{table.gradient}, ids);
}

}  // namespace reprise::ops
