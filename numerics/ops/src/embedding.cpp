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
  static at::Tensor forward(AutogradContext* context, const at::Tensor& table, const Destinations& destinations,
                            const at::Tensor& ids) {
    REPRISE_CHECK_EQ(table.dim(), 2);
    std::vector<std::int64_t> sizes = ids.sizes().vec();
    sizes.push_back(table.size(1));
    at::Tensor y = allocate(sizes);
    active_device().embedding_forward(ids.numel(), table.size(1), int32_data(ids, "embedding: ids"),
                                      float_data(table, "embedding: table"), mutable_float_data(y, "embedding: y"));
    context->set_materialize_grads(false);
    variable_list saved = {table, ids};
    saved.insert(saved.end(), destinations.tensors.begin(), destinations.tensors.end());
    context->save_for_backward(std::move(saved));
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& table = saved[0];
    const at::Tensor& ids = saved[1];
    const std::int64_t dim = table.size(1);
    const std::vector<at::Tensor> dtables = gradients_of(table, std::span(saved).subspan(2));
    const std::int64_t tokens = rows_per_grain(ids.numel(), dtables.size());
    for (std::size_t grain = 0; grain < dtables.size(); ++grain) {
      const std::int64_t first = static_cast<std::int64_t>(grain) * tokens;
      active_device().embedding_backward(tokens, dim, table.size(0), int32_data(ids, "embedding: ids") + first,
                                         float_data(gradients[0], "embedding: dy") + first * dim,
                                         mutable_float_data(dtables[grain], "embedding: dtable"));
    }
    return {dtables[0], at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor embedding(const at::Tensor& ids, const Parameter& table) {
  return EmbeddingNode::apply(table.weight, Destinations{table.gradients}, ids);
}

}  // namespace reprise::ops
