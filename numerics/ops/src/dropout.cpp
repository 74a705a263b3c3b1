#include <torch/csrc/autograd/custom_function.h>

#include "reprise/core/error.h"
#include "reprise/numerics/kernels.h"
#include "reprise/ops/operators.h"
#include "tensors.h"

namespace reprise::ops {
namespace {

using numerics::DropoutRule;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Forward and backward are the same function.
at::Tensor drop(const at::Tensor& x, const DropoutRule& rule, const std::vector<std::int64_t>& samples,
                std::string_view name) {
  const float* x_data = float_data(x, name);
  REPRISE_CHECK(x.dim() > 0 && !samples.empty());
  REPRISE_CHECK_EQ(static_cast<std::size_t>(x.size(0)), samples.size());
  const std::vector<std::uint64_t> ordinals(samples.begin(), samples.end());
  at::Tensor y = allocate(x.sizes());
  numerics::Device& device = active_device();
  const std::size_t num_bytes = ordinals.size() * sizeof(std::uint64_t);
  auto* const on_device = static_cast<std::uint64_t*>(device.take(num_bytes));
  device.write(on_device, ordinals.data(), num_bytes);
  device.dropout(x.size(0), x.numel() / x.size(0), rule, on_device, x_data, mutable_float_data(y, "dropout: result"));
  device.give(on_device, num_bytes);  // its next owner's work comes behind this
  return y;
}

// The mask is a function of the rule and the samples, so these are what is saved.
struct DropoutNode : torch::autograd::Function<DropoutNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const DropoutRule& rule,
                            const std::vector<std::int64_t>& samples) {
    at::Tensor y = drop(x, rule, samples, "dropout: x");
    context->set_materialize_grads(false);
    context->saved_data["rule"] =
        std::vector<std::int64_t>{static_cast<std::int64_t>(rule.seed), rule.site, rule.threshold};
    context->saved_data["factor"] = static_cast<double>(rule.factor);
    context->saved_data["samples"] = samples;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const std::vector<std::int64_t> words = context->saved_data["rule"].toIntVector();
    const DropoutRule rule{static_cast<std::uint64_t>(words[0]), static_cast<std::uint32_t>(words[1]),
                           static_cast<std::uint32_t>(words[2]),
                           static_cast<float>(context->saved_data["factor"].toDouble())};
    const std::vector<std::int64_t> samples = context->saved_data["samples"].toIntVector();
    return {drop(gradients[0], rule, samples, "dropout: dy"), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor dropout(const at::Tensor& x, const DropoutRule& rule, std::span<const std::uint64_t> samples) {
  return DropoutNode::apply(x, rule, std::vector<std::int64_t>(samples.begin(), samples.end()));
}

}  // namespace reprise::ops
