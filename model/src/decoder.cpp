#include "reprise/model/decoder.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "decoder_graph.h"
#include "device_passes.h"
#include "document_starts.h"
#include "gradient_parts.h"
#include "native_passes.h"
#include "observing_operators.h"
#include "reprise/core/error.h"
#include "reprise/model/schema.h"
#include "reprise/native_ops/native_operators.h"
#include "reprise/numerics/device.h"
#include "reprise/ops/operator_set.h"

namespace reprise::model {
namespace {

// Tokens per batch of score(). In the exact profile they cannot change a bit: no operator of the forward pass adds over
// sequences, and none orders its sums by their number. On the CPU enough for the products and few enough for the
// caches; a device that had no more would mostly wait.
constexpr std::int64_t kScoreBatchTokens = 512;
constexpr std::int64_t kScoreBatchTokensOnDevice = 16384;

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

native_ops::NativeOptions native_options(const configs::NativeNumerics& native) {
  native_ops::NativeOptions options;
  options.operand_type = native.dtype() == "bfloat16" ? at::kBFloat16 : at::kFloat;
  options.num_threads = static_cast<int>(native.threads_per_grain());
  return options;
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
  std::unique_ptr<DevicePasses> passes;         // empty on the CPU
  std::unique_ptr<NativePasses> native_passes;  // of LibTorch's operators on a device of its own

  std::int64_t score_tokens() const { return passes || native_passes ? kScoreBatchTokensOnDevice : kScoreBatchTokens; }

  /// Where the documents of a batch start; empty where attention sees all of a sequence.
  std::vector<std::int32_t> document_starts(std::span<const std::int32_t> inputs, std::int64_t length) const {
    if (!document_end) return {};
    return starts_of_documents(inputs, length, *document_end);
  }

  /// The options of a pass over them; `starts` must outlive the graph.
  static PassOptions options(const std::vector<std::int32_t>& starts, std::int64_t num_sequences, std::int64_t length) {
    PassOptions options;
    if (!starts.empty()) options.document_starts = id_view(starts, num_sequences, length);
    return options;
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
                 const TensorLayout& layout, std::span<float> weights, const std::optional<NativeProfile>& native,
                 std::optional<std::int32_t> document_end, std::size_t recompute_layers, const DeviceWeights& on_device)
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
    state_->native = native_ops::make_native_operators(native_options(native->numerics));
    state_->operators = state_->native.get();
  }
  state_->layout = layout;
  state_->weights = weights;
  state_->vocab_size = vocab_size;
  state_->max_length = max_length;
  state_->document_end = document_end;
  state_->recompute_layers = recompute_layers;
  if (on_device.device == nullptr) return;
  if (native) {
    state_->native_passes =
        std::make_unique<NativePasses>(native->device, *on_device.device, native_options(native->numerics),
                                       state_->layout, on_device.weights, constants, recompute_layers);
  } else {
    state_->passes = std::make_unique<DevicePasses>(*on_device.device, state_->layout, on_device.weights, constants,
                                                    DevicePassOptions{.recompute_layers = recompute_layers});
  }
}

Decoder::~Decoder() = default;

void Decoder::weights_changed() const {
  if (state_->native_passes) state_->native_passes->weights_changed();
}

void Decoder::forget_passes() const {
  if (state_->passes) state_->passes->forget();
}

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
  const std::vector<std::int32_t> starts = state_->document_starts(inputs, length);
  const PassTokens tokens{inputs, targets, starts, num_sequences, length};
  if (state_->passes) return state_->passes->run(tokens, z_weight, sink);
  if (state_->native_passes) return state_->native_passes->run(tokens, z_weight, sink);
  const ops::OperatorSet& operators = *state_->operators;
  operators.prepare_thread();
  PassGradients gradients(state_->layout, state_->weights, sink);
  PassOptions options = State::options(starts, num_sequences, length);
  options.recompute_layers = state_->recompute_layers;
  if (state_->native) {
    gradients.take_all();  // LibTorch's operators leave the gradients to the end
  } else {
    gradients.take_first();
    options.on_gradients = [&](std::size_t first_tensor) { gradients.complete_from(first_tensor); };
  }
  const ops::HeadLoss loss =
      compute_losses_and_gradients(operators, state_->constants, gradients, id_view(inputs, num_sequences, length),
                                   id_view(targets, num_sequences, length), z_weight, options);
  return {to_vector(loss.cross_entropy), to_vector(loss.z)};
}

GrainLosses Decoder::run_grain(std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
                               std::int64_t num_sequences, std::int64_t length, float z_weight,
                               std::span<float> gradient) const {
  return run_grains(inputs, targets, num_sequences, length, z_weight, {&gradient, 1});
}

std::int64_t Decoder::score_batch_tokens() const { return state_->native ? 0 : state_->score_tokens(); }

std::vector<float> Decoder::score(std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
                                  std::int64_t num_sequences, std::int64_t length) const {
  state_->expect_batch(inputs, targets, num_sequences, length);
  const ops::OperatorSet& operators = *state_->operators;
  operators.prepare_thread();
  std::vector<ops::Parameter> parameters;  // on the host
  if (!state_->passes && !state_->native_passes) parameters = parameter_views(state_->layout, state_->weights, {});
  const std::int64_t batch = std::max<std::int64_t>(1, state_->score_tokens() / length);
  std::vector<float> losses;
  losses.reserve(targets.size());
  for (std::int64_t first = 0; first < num_sequences; first += batch) {
    const std::int64_t count = std::min(batch, num_sequences - first);
    const auto begin = static_cast<std::size_t>(first * length);
    const auto size = static_cast<std::size_t>(count * length);
    const std::vector<std::int32_t> starts = state_->document_starts(inputs.subspan(begin, size), length);
    const PassTokens tokens{inputs.subspan(begin, size), targets.subspan(begin, size), starts, count, length};
    const auto on_host = [&] {
      return to_vector(compute_scores(operators, state_->constants, parameters, id_view(tokens.inputs, count, length),
                                      id_view(tokens.targets, count, length), State::options(starts, count, length)));
    };
    const std::vector<float> values = state_->passes          ? state_->passes->score(tokens)
                                      : state_->native_passes ? state_->native_passes->score(tokens)
                                                              : on_host();
    losses.insert(losses.end(), values.begin(), values.end());
  }
  return losses;
}

// On the CPU whatever the device: for looking at values, which come with the host's weights.
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
  const std::vector<std::int32_t> starts = state_->document_starts(inputs, length);
  const at::Tensor hidden =
      forward_hidden(operators, state_->constants, parameters, id_view(inputs, num_sequences, length),
                     State::options(starts, num_sequences, length));
  const auto show = [&](const char* name, const at::Tensor& values) {
    see(name, {values.const_data_ptr<float>(), static_cast<std::size_t>(values.numel())});
  };
  show("final_norm", hidden);
  show("logits", operators.linear(hidden, parameters.back()));
}

}  // namespace reprise::model
