// Causal self-attention and its variants: one node.
#include "reprise/numerics/attention.h"

#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "reprise/core/error.h"
#include "reprise/ops/operators.h"
#include "tensors.h"

namespace reprise::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Division and square root are the IEEE ones, in binary64, rounded once.
float default_scale(std::int64_t head_dim) {
  return static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim)));
}

numerics::AttentionShape shape_of(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t num_heads,
                                  const AttentionOptions& options) {
  REPRISE_CHECK_EQ(q.dim(), 3);
  REPRISE_CHECK(num_heads > 0);
  REPRISE_CHECK_EQ(q.size(2) % num_heads, 0);
  const std::int64_t num_kv_heads = options.num_kv_heads == 0 ? num_heads : options.num_kv_heads;
  const std::int64_t head_dim = q.size(2) / num_heads;
  expect_shape(k, {q.size(0), q.size(1), num_kv_heads * head_dim}, "attention: k");
  expect_shape(v, k.sizes(), "attention: v");
  return {q.size(0), q.size(1), num_heads, num_kv_heads, head_dim};
}

/// The kernels' options; they point into `options`.
numerics::AttentionOptions kernel_options(const numerics::AttentionShape& shape, const AttentionOptions& options) {
  numerics::AttentionOptions result;
  result.scale = options.scale == 0.0f ? default_scale(shape.head_dim) : options.scale;
  result.window = options.window;
  result.softcap = options.softcap;
  if (!options.alibi_slopes.empty()) {
    REPRISE_CHECK_EQ(static_cast<std::int64_t>(options.alibi_slopes.size()), shape.num_heads);
    result.alibi_slopes = options.alibi_slopes.data();
  }
  if (options.document_starts.defined()) {
    expect_shape(options.document_starts, {shape.num_sequences, shape.length}, "attention: document_starts");
    result.document_starts = int32_data(options.document_starts, "attention: document_starts");
  }
  return result;
}

void save(AutogradContext* context, std::int64_t num_heads, const AttentionOptions& options) {
  context->saved_data["integers"] = std::vector<std::int64_t>{num_heads, options.num_kv_heads, options.window};
  context->saved_data["scale"] = static_cast<double>(options.scale);
  context->saved_data["softcap"] = static_cast<double>(options.softcap);
  context->saved_data["slopes"] = std::vector<double>(options.alibi_slopes.begin(), options.alibi_slopes.end());
}

/// Returns what was saved; the documents come with the tensors.
AttentionOptions restore(AutogradContext* context, const at::Tensor& document_starts) {
  const std::vector<std::int64_t> integers = context->saved_data["integers"].toIntVector();
  AttentionOptions options;
  options.num_kv_heads = integers[1];
  options.window = integers[2];
  options.scale = static_cast<float>(context->saved_data["scale"].toDouble());
  options.softcap = static_cast<float>(context->saved_data["softcap"].toDouble());
  for (const double slope : context->saved_data["slopes"].toDoubleVector()) {
    options.alibi_slopes.push_back(static_cast<float>(slope));
  }
  options.document_starts = document_starts;
  return options;
}

struct AttentionNode : torch::autograd::Function<AttentionNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            std::int64_t num_heads, const AttentionOptions& options) {
    const numerics::AttentionShape shape = shape_of(q, k, v, num_heads, options);
    at::Tensor out = allocate(q.sizes());
    at::Tensor row_max = allocate({shape.num_sequences, shape.num_heads, shape.length});
    at::Tensor row_sum = allocate(row_max.sizes());
    active_device().attention_forward(
        shape, kernel_options(shape, options), float_data(q, "attention: q"), float_data(k, "attention: k"),
        float_data(v, "attention: v"), mutable_float_data(out, "attention: out"),
        mutable_float_data(row_max, "attention: row_max"), mutable_float_data(row_sum, "attention: row_sum"));
    context->set_materialize_grads(false);
    context->save_for_backward({q, k, v, out, row_max, row_sum, options.document_starts});
    save(context, num_heads, options);
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &out = saved[3];
    const AttentionOptions options = restore(context, saved[6]);
    const std::int64_t num_heads = context->saved_data["integers"].toIntVector()[0];
    const numerics::AttentionShape shape = shape_of(q, k, v, num_heads, options);
    expect_shape(gradients[0], out.sizes(), "attention: dout");
    at::Tensor dq = allocate(q.sizes()), dk = allocate(k.sizes()), dv = allocate(v.sizes());
    active_device().attention_backward(
        shape, kernel_options(shape, options), float_data(q, "attention: q"), float_data(k, "attention: k"),
        float_data(v, "attention: v"), float_data(out, "attention: out"), float_data(saved[4], "attention: row_max"),
        float_data(saved[5], "attention: row_sum"), float_data(gradients[0], "attention: dout"),
        mutable_float_data(dq, "attention: dq"), mutable_float_data(dk, "attention: dk"),
        mutable_float_data(dv, "attention: dv"));
    return {dq, dk, dv, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t num_heads,
                     const AttentionOptions& options) {
  return AttentionNode::apply(q, k, v, num_heads, options);
}

}  // namespace reprise::ops
