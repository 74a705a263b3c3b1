#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <utility>

#include "gpu_nodes.h"
#include "reprise/core/error.h"

namespace reprise::native_ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// A norm and what its node keeps besides tensors.
struct Norm {
  GpuContext gpu;
  at::Tensor destination;
  float epsilon = 0;

  numerics::NativeNorm of(const at::Tensor& x, const at::Tensor& weight) const {
    REPRISE_CHECK(x.is_contiguous() && weight.numel() == x.size(-1));
    return {gpu.type(), x.numel() / x.size(-1), x.size(-1), weight.const_data_ptr<float>(), epsilon};
  }
  /// For the backward pass, `tensors` beginning with x, its weight and the inverse roots.
  void keep(AutogradContext* context, variable_list tensors) const {
    context->set_materialize_grads(false);
    context->save_for_backward(std::move(tensors));
    context->saved_data["kernels"] = reinterpret_cast<std::int64_t>(gpu.kernels);
    context->saved_data["type"] = static_cast<std::int64_t>(gpu.operand_type);
    context->saved_data["destination"] = destination;
    context->saved_data["epsilon"] = static_cast<double>(epsilon);
  }
  static Norm kept(AutogradContext* context) {
    const auto integer = [&](const char* name) { return context->saved_data[name].toInt(); };
    return {
        {reinterpret_cast<numerics::NativeKernels*>(integer("kernels")), static_cast<at::ScalarType>(integer("type"))},
        context->saved_data["destination"].toTensor(),
        static_cast<float>(context->saved_data["epsilon"].toDouble())};
  }
};

/// What a backward pass finds kept, and memory for the gradient of x.
struct KeptNorm {
  explicit KeptNorm(AutogradContext* context)
      : norm(Norm::kept(context)), tensors(context->get_saved_variables()), x(tensors[0]), dx(at::empty_like(x)) {}

  numerics::NativeKernels& kernels() const { return *norm.gpu.kernels; }
  numerics::NativeNorm rows() const { return norm.of(x, tensors[1]); }
  const float* inverse() const { return tensors[2].const_data_ptr<float>(); }
  float* dweight() const { return norm.destination.mutable_data_ptr<float>(); }

  Norm norm;
  variable_list tensors;
  at::Tensor x, dx;
};

at::Tensor empty_inverse(const at::Tensor& x) {
  return at::empty({x.numel() / x.size(-1)}, x.options().dtype(at::kFloat));
}

struct GpuNormNode : torch::autograd::Function<GpuNormNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, const Norm& norm) {
    at::Tensor y = at::empty(x.sizes(), x.options().dtype(norm.gpu.operand_type));
    at::Tensor inverse = empty_inverse(x);
    norm.gpu.kernels->norm_forward(norm.of(x, weight), x.const_data_ptr<float>(), y.mutable_data_ptr(),
                                   inverse.mutable_data_ptr<float>());
    norm.keep(context, {x, weight, inverse});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const KeptNorm kept(context);
    const at::Tensor dy = gradients[0].contiguous();
    kept.kernels().norm_backward(kept.rows(), dy.const_data_ptr(), kept.x.const_data_ptr<float>(), kept.inverse(),
                                 kept.dx.mutable_data_ptr<float>(), kept.dweight());
    return {kept.dx, kept.norm.destination, at::Tensor()};
  }
};

struct GpuNormAddNode : torch::autograd::Function<GpuNormAddNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& residual, const at::Tensor& x,
                            const at::Tensor& weight, const Norm& norm) {
    at::Tensor sum = at::empty_like(residual);
    at::Tensor inverse = empty_inverse(x);
    norm.gpu.kernels->norm_add_forward(norm.of(x, weight), residual.const_data_ptr<float>(), x.const_data_ptr(),
                                       sum.mutable_data_ptr<float>(), inverse.mutable_data_ptr<float>());
    norm.keep(context, {x, weight, inverse});
    return sum;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const KeptNorm kept(context);
    const at::Tensor dsum = gradients[0].contiguous();
    kept.kernels().norm_add_backward(kept.rows(), dsum.const_data_ptr<float>(), kept.x.const_data_ptr(), kept.inverse(),
                                     kept.dx.mutable_data_ptr(), kept.dweight());
    return {dsum, kept.dx, kept.norm.destination, at::Tensor()};
  }
};

/// The tables are [length or more, head_dim / 2]; sequences begin at their first row.
numerics::NativeRotation rotation_of(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
  REPRISE_CHECK(cos.size(0) >= x.size(1) && cos.is_contiguous() && sin.is_contiguous());
  return {x.size(1), 2 * cos.size(1), cos.const_data_ptr<float>(), sin.const_data_ptr<float>()};
}

struct GpuNormRopeNode : torch::autograd::Function<GpuNormRopeNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& cos, const at::Tensor& sin, const Norm& norm) {
    at::Tensor y = at::empty_like(x);
    at::Tensor inverse = empty_inverse(x);
    norm.gpu.kernels->norm_rotate_forward(norm.of(x, weight), rotation_of(x, cos, sin), x.const_data_ptr(),
                                          y.mutable_data_ptr(), inverse.mutable_data_ptr<float>());
    norm.keep(context, {x, weight, inverse, cos, sin});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const KeptNorm kept(context);
    const at::Tensor dy = gradients[0].contiguous();
    kept.kernels().norm_rotate_backward(kept.rows(), rotation_of(kept.x, kept.tensors[3], kept.tensors[4]),
                                        dy.const_data_ptr(), kept.x.const_data_ptr(), kept.inverse(),
                                        kept.dx.mutable_data_ptr(), kept.dweight());
    return {kept.dx, kept.norm.destination, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

Norm norm_with(const GpuContext& context, const ops::Parameter& weight, float epsilon) {
  return {context, destination_of(weight).tensor, epsilon};
}

}  // namespace

at::Tensor gpu_norm(const GpuContext& context, const at::Tensor& x, const ops::Parameter& weight, float epsilon) {
  return GpuNormNode::apply(x, weight.weight, norm_with(context, weight, epsilon));
}

at::Tensor gpu_norm_rope(const GpuContext& context, const at::Tensor& x, const ops::Parameter& weight, float epsilon,
                         const at::Tensor& cos, const at::Tensor& sin) {
  return GpuNormRopeNode::apply(x, weight.weight, cos, sin, norm_with(context, weight, epsilon));
}

at::Tensor gpu_norm_add(const GpuContext& context, const at::Tensor& residual, const at::Tensor& x,
                        const ops::Parameter& weight, float epsilon) {
  return GpuNormAddNode::apply(residual, x, weight.weight, norm_with(context, weight, epsilon));
}

}  // namespace reprise::native_ops
