#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/embedding_dense_backward.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>
#include <torch/csrc/autograd/custom_function.h>

#include "gpu_nodes.h"
#include "reprise/core/error.h"

namespace reprise::native_ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Destinations are kept beside the saved variables: those must not change before the backward pass, and the
// destinations of all weights share one memory, of which every node writes a part.
constexpr char kDestinations[] = "destinations";

struct GpuEmbeddingNode : torch::autograd::Function<GpuEmbeddingNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& ids, const at::Tensor& table,
                            const Destination& destination) {
    context->set_materialize_grads(false);
    context->save_for_backward({ids});
    context->saved_data[kDestinations] = destination.tensor;
    return at::embedding(table, ids);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    at::Tensor dtable = context->saved_data[kDestinations].toTensor();
    const at::Tensor ids = context->get_saved_variables()[0];
    dtable.copy_(at::embedding_dense_backward(gradients[0], ids, dtable.size(0), /*padding_idx=*/-1,
                                              /*scale_grad_by_freq=*/false));
    return {at::Tensor(), dtable, at::Tensor()};
  }
};

/// What a joint product keeps of its weights.
struct JointWeights {
  std::vector<at::Tensor> operands, destinations;
};

// Saved: x, then the operands.
struct GpuJointLinearNode : torch::autograd::Function<GpuJointLinearNode> {
  static variable_list forward(AutogradContext* context, const at::Tensor& x, at::TensorList,
                               const JointWeights& weights) {
    const at::Tensor rows = rows_of(x);
    std::vector<std::int64_t> sizes = x.sizes().vec();
    variable_list outputs;
    variable_list saved = {x};
    for (const at::Tensor& operand : weights.operands) {
      sizes.back() = operand.size(0);
      outputs.push_back(at::mm(rows, operand.t()).view(sizes));
      saved.push_back(operand);
    }
    context->set_materialize_grads(false);
    context->save_for_backward(std::move(saved));
    context->saved_data[kDestinations] = weights.destinations;
    return outputs;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    std::vector<at::Tensor> destinations = context->saved_data[kDestinations].toTensorVector();
    const at::Tensor rows = rows_of(saved[0]);
    at::Tensor dx;
    variable_list result(1);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      const at::Tensor dy = rows_of(gradients[i]);
      dx.defined() ? dx.addmm_(dy, saved[1 + i]) : dx = at::mm(dy, saved[1 + i]);
      result.push_back(destinations[i].copy_(at::mm(dy.t(), rows)));
    }
    result[0] = dx.view(saved[0].sizes());
    result.emplace_back();  // of the weights' struct
    return result;
  }
};

struct GpuFanOutNode : torch::autograd::Function<GpuFanOutNode> {
  static variable_list forward(AutogradContext* context, const at::Tensor& x, at::ScalarType type) {
    context->set_materialize_grads(false);
    return {x.detach().to(type), x.detach()};
  }

  // One kernel: LibTorch widens the operands' gradient as it adds.
  static variable_list backward(AutogradContext*, const variable_list& gradients) {
    return {gradients[1] + gradients[0], at::Tensor()};
  }
};

struct GpuSwigluNode : torch::autograd::Function<GpuSwigluNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate, const at::Tensor& up,
                            const GpuContext& gpu) {
    at::Tensor y = at::empty_like(gate);
    gpu.kernels->swiglu_forward(gpu.type(), y.numel(), gate.const_data_ptr(), up.const_data_ptr(),
                                y.mutable_data_ptr());
    context->set_materialize_grads(false);
    context->save_for_backward({gate, up});
    context->saved_data["kernels"] = reinterpret_cast<std::int64_t>(gpu.kernels);
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const GpuContext gpu{reinterpret_cast<numerics::NativeKernels*>(context->saved_data["kernels"].toInt()),
                         saved[0].scalar_type()};
    const at::Tensor dy = gradients[0].contiguous();
    at::Tensor dgate = at::empty_like(saved[0]);
    at::Tensor dup = at::empty_like(saved[1]);
    gpu.kernels->swiglu_backward(gpu.type(), dy.numel(), saved[0].const_data_ptr(), saved[1].const_data_ptr(),
                                 dy.const_data_ptr(), dgate.mutable_data_ptr(), dup.mutable_data_ptr());
    return {dgate, dup, at::Tensor()};
  }
};

}  // namespace

at::Tensor gpu_embedding(const at::Tensor& ids, const ops::Parameter& table) {
  return GpuEmbeddingNode::apply(ids, table.weight, destination_of(table));
}

std::vector<at::Tensor> gpu_joint_linear(const at::Tensor& x, std::span<const ops::Parameter> weights) {
  std::vector<at::Tensor> values;
  JointWeights kept;
  for (const ops::Parameter& weight : weights) {
    REPRISE_CHECK(weight.operand.defined());
    values.push_back(weight.weight);
    kept.operands.push_back(weight.operand);
    kept.destinations.push_back(destination_of(weight).tensor);
  }
  return GpuJointLinearNode::apply(x, at::TensorList(values), kept);
}

std::array<at::Tensor, 2> gpu_fan_out(const GpuContext& context, const at::Tensor& x) {
  variable_list uses = GpuFanOutNode::apply(x, context.operand_type);
  return {std::move(uses[0]), std::move(uses[1])};
}

at::Tensor gpu_swiglu(const GpuContext& context, const at::Tensor& gate, const at::Tensor& up) {
  return GpuSwigluNode::apply(gate, up, context);
}

}  // namespace reprise::native_ops
