#include "reprise/model/decoder.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "decoder_graph.h"
#include "document_starts.h"
#include "gradient_parts.h"
#include "observing_operators.h"
#include "reprise/core/error.h"
#include "reprise/model/schema.h"
#include "reprise/native_ops/native_operators.h"
#include "reprise/numerics/kernels.h"
#include "reprise/ops/operator_set.h"

namespace reprise::model {
namespace {

// Tokens per batch of score(): enough for the products, few enough for the caches. Cannot change a bit.
constexpr std::int64_t kScoreBatchTokens = 512;

at::Tensor new_float_tensor(at::IntArrayRef sizes) { return at::empty(sizes, at::TensorOptions().dtype(at::kFloat)); }

std::vector<float> to_vector(const at::Tensor& tensor) {
  const float* values = tensor.const_data_ptr<float>();
  return {values, values + tensor.numel()};
}

void expect_ids_below(std::span<const std::int32_t> ids, std::int32_t lowest, std::uint32_t vocab_size,
                      std::string_view what) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= lowest && (ids[i] < 0 || static_cast<std::uint32_t>(ids[i]) < vocab_size)) continue;
    throw Error(ErrorKind::kData,
                fmt::format("{} {} at position {} is outside the vocabulary of {}", what, ids[i], i, vocab_size),
                "the tokens were made with another tokenizer than the model: make the shards again");
  }
}

std::unique_ptr<const ops::OperatorSet> native_operators(const configs::NativeNumerics& native) {
  native_ops::NativeOptions options;
  options.operand_type = native.dtype() == "bfloat16" ? at::kBFloat16 : at::kFloat;
  options.num_threads = static_cast<int>(native.threads_per_grain());
  return native_ops::make_native_operators(options);
}

}  // namespace

struct Decoder::State {
  std::unique_ptr<const ops::OperatorSet> native;  // empty in the exact profile
  const ops::OperatorSet* operators = &ops::exact_operators();
  DecoderConstants constants;
  TensorLayout layout;
  std::span<float> weights;
  std::uint32_t vocab_size = 0;
  std::int64_t max_length = 0;
  std::optional<std::int32_t> document_end;
  std::size_t recompute_layers = 0;

  /// Hidden states of a batch. `options` and `starts` are memory that the graph points into.
  at::Tensor hidden(const ops::OperatorSet& with, std::span<const ops::Parameter> parameters,
                    std::span<const std::int32_t> inputs, std::int64_t num_sequences, std::int64_t length,
                    std::vector<std::int32_t>& starts, PassOptions& options) const {
    if (document_end) {
      starts = starts_of_documents(inputs, length, *document_end);
      options.document_starts = id_view(starts, num_sequences, length);
    }
    return forward_hidden(with, constants, parameters, id_view(inputs, num_sequences, length), options);
  }

  void expect_batch(std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
                    std::int64_t num_sequences, std::int64_t length) const {
    REPRISE_CHECK(num_sequences >= 0 && length > 0);
    REPRISE_CHECK_EQ(static_cast<std::int64_t>(inputs.size()), num_sequences * length);
    REPRISE_CHECK_EQ(targets.size(), inputs.size());
    REPRISE_REQUIRE(length <= max_length, ErrorKind::kUsage,
                    fmt::format("a sequence of {} tokens is longer than the model's {}", length, max_length),
                    "cut the sequence");
    expect_ids_below(inputs, 0, vocab_size, "input token");
    expect_ids_below(targets, std::numeric_limits<std::int32_t>::min(), vocab_size, "target token");
  }
};

Decoder::Decoder(const configs::ModelRecipe& model, std::uint32_t vocab_size, std::int64_t max_length,
                 const TensorLayout& layout, std::span<float> weights,
                 const std::optional<configs::NativeNumerics>& native, std::optional<std::int32_t> document_end,
                 std::size_t recompute_layers)
    : state_(std::make_unique<State>()) {
  REPRISE_CHECK(max_length > 0);
  REPRISE_CHECK_EQ(static_cast<std::int64_t>(weights.size()), layout.num_elements());
  const TensorLayout expected = parameter_layout(model, vocab_size, false);
  REPRISE_CHECK_EQ(layout.entries().size(), expected.entries().size());
  REPRISE_CHECK_EQ(layout.num_parameters(), expected.num_parameters());

  const std::int64_t head_dim = model.hidden_size() / model.num_heads();
  DecoderConstants& constants = state_->constants;
  constants.num_heads = model.num_heads();
  constants.num_layers = model.num_layers();
  constants.norm_epsilon = static_cast<float>(model.norm_eps());
  constants.cos = new_float_tensor({max_length, head_dim / 2});
  constants.sin = new_float_tensor({max_length, head_dim / 2});
  numerics::rope_table(max_length, head_dim, model.rope_theta(), constants.cos.mutable_data_ptr<float>(),
                       constants.sin.mutable_data_ptr<float>());
  if (native) {
    state_->native = native_operators(*native);
    state_->operators = state_->native.get();
  }
  state_->layout = layout;
  state_->weights = weights;
  state_->vocab_size = vocab_size;
  state_->max_length = max_length;
  state_->document_end = document_end;
  state_->recompute_layers = recompute_layers;
}

Decoder::~Decoder() = default;

GrainLosses Decoder::run_grains(std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
                                std::int64_t num_sequences, std::int64_t length, float z_weight,
                                std::span<const std::span<float>> gradients) const {
  for (const std::span<float>& gradient : gradients) {
    REPRISE_CHECK_EQ(static_cast<std::int64_t>(gradient.size()), state_->layout.num_elements());
  }
  FlatSink sink(state_->layout, gradients);
  return run_grains(inputs, targets, num_sequences, length, z_weight, sink);
}

GrainLosses Decoder::run_grains(std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
                                std::int64_t num_sequences, std::int64_t length, float z_weight,
                                GradientSink& sink) const {
  state_->expect_batch(inputs, targets, num_sequences, length);
  REPRISE_CHECK(num_sequences > 0 && sink.num_grains() > 0);
  REPRISE_CHECK_EQ(num_sequences % static_cast<std::int64_t>(sink.num_grains()), 0);
  const ops::OperatorSet& operators = *state_->operators;
  operators.prepare_thread();
  const at::AutoGradMode with_graph(true);
  PassGradients gradients(state_->layout, state_->weights, sink);
  PassOptions options;
  options.recompute_layers = state_->recompute_layers;
  if (state_->native) {
    gradients.take_all();  // LibTorch's operators leave the gradients to the end
  } else {
    gradients.take_first();
    options.on_gradients = [&](std::size_t first_tensor) { gradients.complete_from(first_tensor); };
  }
  std::vector<std::int32_t> starts;
  const at::Tensor hidden =
      state_->hidden(operators, gradients.parameters(), inputs, num_sequences, length, starts, options);
  const ops::HeadLoss loss =
      operators.head_loss(hidden, gradients.parameters().back(), id_view(targets, num_sequences, length), z_weight);
  operators.backward(loss.root, gradients.parameters());
  gradients.complete_from(0);
  return {to_vector(loss.cross_entropy), to_vector(loss.z)};
}

GrainLosses Decoder::run_grain(std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
                               std::int64_t num_sequences, std::int64_t length, float z_weight,
                               std::span<float> gradient) const {
  return run_grains(inputs, targets, num_sequences, length, z_weight, {&gradient, 1});
}

std::vector<float> Decoder::score(std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
                                  std::int64_t num_sequences, std::int64_t length) const {
  state_->expect_batch(inputs, targets, num_sequences, length);
  const ops::OperatorSet& operators = *state_->operators;
  operators.prepare_thread();
  const at::NoGradGuard without_graph;
  const std::vector<ops::Parameter> parameters = parameter_views(state_->layout, state_->weights, {});
  const std::int64_t batch = std::max<std::int64_t>(1, kScoreBatchTokens / length);
  std::vector<std::int32_t> starts;
  std::vector<float> losses;
  losses.reserve(targets.size());
  for (std::int64_t first = 0; first < num_sequences; first += batch) {
    const std::int64_t count = std::min(batch, num_sequences - first);
    const auto begin = static_cast<std::size_t>(first * length);
    const auto size = static_cast<std::size_t>(count * length);
    PassOptions options;
    const at::Tensor hidden =
        state_->hidden(operators, parameters, inputs.subspan(begin, size), count, length, starts, options);
    const ops::HeadLoss loss = operators.head_loss_without_gradient(
        hidden, parameters.back(), id_view(targets.subspan(begin, size), count, length));
    const float* values = loss.cross_entropy.const_data_ptr<float>();
    losses.insert(losses.end(), values, values + size);
  }
  return losses;
}

void Decoder::observe(std::span<const std::int32_t> inputs, std::int64_t num_sequences, std::int64_t length,
                      const SeeActivation& see) const {
  state_->expect_batch(inputs, inputs, num_sequences, length);
  const ObservingOperators operators(*state_->operators, [&](const std::string& name, const at::Tensor& tensor) {
    const at::Tensor values = tensor.contiguous();
    see(name, {values.const_data_ptr<float>(), static_cast<std::size_t>(values.numel())});
  });
  operators.prepare_thread();
  const at::NoGradGuard without_graph;
  const std::vector<ops::Parameter> parameters = parameter_views(state_->layout, state_->weights, {});
  std::vector<std::int32_t> starts;
  PassOptions options;
  const at::Tensor hidden = state_->hidden(operators, parameters, inputs, num_sequences, length, starts, options);
  const auto show = [&](const char* name, const at::Tensor& values) {
    see(name, {values.const_data_ptr<float>(), static_cast<std::size_t>(values.numel())});
  };
  show("final_norm", hidden);
  show("logits", operators.linear(hidden, parameters.back()));
}

}  // namespace reprise::model
