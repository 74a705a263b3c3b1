#include "training.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

#include "decoder_graph.h"
#include "device_passes.h"
#include "native_passes.h"
#include "random_stream.h"
#include "reprise/numerics/device_memory.h"
#include "reprise/ops/device_scope.h"

namespace reprise::conformance {
namespace {

constexpr float kZWeight = 1e-4f;
constexpr double kClipNorm = 1.0;
constexpr numerics::AdamWStep kAdamW{1e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, 0, 0};

TensorLayout layout_of(const TrainingShape& shape) {
  const std::int64_t d = shape.hidden, f = shape.ffn;
  std::vector<TensorSpec> specs{{"embedding", {shape.vocab, d}, false}};
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    const auto add = [&](const char* name, std::vector<std::int64_t> sizes) {
      specs.push_back({fmt::format("{}.{}", layer, name), std::move(sizes), true});
    };
    for (const char* name : {"q", "k", "v", "o"}) add(name, {d, d});
    for (const char* name : {"q_norm", "k_norm", "attention_norm"}) add(name, {d});
    add("gate", {f, d});
    add("up", {f, d});
    add("down", {d, f});
    add("feed_forward_norm", {d});
  }
  specs.push_back({"norm", {d}, true});
  specs.push_back({"head", {shape.vocab, d}, true});
  return TensorLayout(std::move(specs));
}

/// Norms are 1, the others uniform in [-1/32, 1/32).
std::vector<float> initial_weights(const TensorLayout& layout) {
  std::vector<float> flat(static_cast<std::size_t>(layout.num_elements()), 0.0f);
  std::uint32_t index = 0;
  for (const TensorLayout::Entry& entry : layout.entries()) {
    RandomStream random(2, index++);
    float* const values = flat.data() + entry.offset;
    for (std::int64_t i = 0; i < entry.spec.num_elements(); ++i) {
      values[i] = entry.spec.shape.size() == 1 ? 1.0f : 0x1p-5f * random.value();
    }
  }
  return flat;
}

model::DecoderConstants constants_of(const TrainingShape& shape) {
  model::DecoderConstants constants;
  const std::int64_t head_dim = shape.hidden / shape.heads;
  constants.num_heads = shape.heads;
  constants.num_layers = static_cast<std::size_t>(shape.layers);
  constants.norm_epsilon = 1e-6f;
  constants.cos = at::empty({shape.length, head_dim / 2}, at::kFloat);
  constants.sin = at::empty({shape.length, head_dim / 2}, at::kFloat);
  numerics::rope_table(shape.length, head_dim, 10000.0, constants.cos.mutable_data_ptr<float>(),
                       constants.sin.mutable_data_ptr<float>());
  return constants;
}

/// The gradients of all grains, on the device.
class ResidentSink final : public model::GradientSink {
 public:
  ResidentSink(const TensorLayout& layout, std::int64_t grains, numerics::DeviceMemory& memory)
      : whole_{0, layout.num_chunks()} {
    for (std::int64_t grain = 0; grain < grains; ++grain) {
      gradients_.push_back(memory.take<float>(layout.num_elements()));
    }
  }
  std::span<const ChunkRange> parts() const override { return {&whole_, 1}; }
  std::size_t num_grains() const override { return gradients_.size(); }
  bool is_on_device() const override { return true; }
  float* take(std::size_t, std::size_t grain) override { return gradients_[grain]; }
  void done(std::size_t) override {}

 private:
  ChunkRange whole_;
  std::vector<float*> gradients_;
};

/// One grain of them, for a pass of its own.
class OneGrain final : public model::GradientSink {
 public:
  OneGrain(ResidentSink& all, std::size_t grain) : all_(all), grain_(grain) {}
  std::span<const ChunkRange> parts() const override { return all_.parts(); }
  std::size_t num_grains() const override { return 1; }
  bool is_on_device() const override { return true; }
  float* take(std::size_t part, std::size_t) override { return all_.take(part, grain_); }
  void done(std::size_t) override {}

 private:
  ResidentSink& all_;
  std::size_t grain_;
};

/// The weights that training begins with, on the device.
float* write_initial_weights(const TensorLayout& layout, numerics::Device& device, numerics::DeviceMemory& memory) {
  float* const weights = memory.copy_of(initial_weights(layout));
  device.synchronize();
  return weights;
}

float* take_zeros(const TensorLayout& layout, numerics::Device& device, numerics::DeviceMemory& memory) {
  float* const zeros = memory.take<float>(layout.num_elements());
  device.clear(zeros, static_cast<std::size_t>(layout.num_elements()) * sizeof(float));
  return zeros;
}

struct StepTokens {
  std::vector<std::int32_t> inputs, targets;
  std::vector<std::int32_t> document_starts;  // empty without documents

  /// Those of sequences [first, first + count) of `length`.
  model::PassTokens of(std::int64_t first, std::int64_t count, std::int64_t length) const {
    const auto begin = static_cast<std::size_t>(first * length), size = static_cast<std::size_t>(count * length);
    const auto part = [&](std::span<const std::int32_t> ids) { return ids.empty() ? ids : ids.subspan(begin, size); };
    return {part(inputs), part(targets), part(document_starts), count, length};
  }
};

/// Losses of a grain in token order, grains by the tree [C-22].
double sum_of_grains(std::span<const float> losses, std::int64_t grains, std::int64_t tokens) {
  if (grains == 1) {
    double sum = 0;
    for (const float loss : losses) sum += static_cast<double>(loss);
    return sum;
  }
  const auto left = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(grains - 1)));
  const auto cut = static_cast<std::size_t>(left * tokens);
  return sum_of_grains(losses.first(cut), left, tokens) + sum_of_grains(losses.subspan(cut), grains - left, tokens);
}

}  // namespace

struct Training::State {
  State(numerics::Device& on, const TrainingShape& of)
      : device(on),
        shape(of),
        layout(layout_of(of)),
        memory(on),
        w(write_initial_weights(layout, on, memory)),
        m(take_zeros(layout, on, memory)),
        v(take_zeros(layout, on, memory)),
        sums(memory.take<float>(layout.num_chunks())),
        sink(layout, of.grains, memory) {}

  /// A walk that a model can learn: the next token is mostly a function of the one before.
  StepTokens tokens_of_step() const {
    RandomStream random(3, static_cast<std::uint32_t>(num_steps));
    StepTokens tokens;
    for (std::int64_t sequence = 0; sequence < shape.num_sequences(); ++sequence) {
      std::int64_t token = random.integer(0, shape.vocab - 1);
      for (std::int64_t i = 0; i <= shape.length; ++i) {
        if (i < shape.length) tokens.inputs.push_back(static_cast<std::int32_t>(token));
        if (i > 0) tokens.targets.push_back(static_cast<std::int32_t>(token));
        token = (token * 5 + random.integer(0, 2)) % shape.vocab;
      }
      if (shape.documents) add_starts(tokens.document_starts);
    }
    return tokens;
  }

  /// Of one sequence: each document is one token longer than the one before, and the last ends with the sequence.
  void add_starts(std::vector<std::int32_t>& starts) const {
    std::int64_t start = 0, document = 1;
    for (std::int64_t i = 0; i < shape.length; ++i) {
      if (i == start + document) {
        start = i;
        ++document;
      }
      starts.push_back(static_cast<std::int32_t>(start));
    }
  }

  model::GrainLosses pass(const StepTokens& tokens) {
    if (native) return pass_by_grain(tokens);
    return exact->run(tokens.of(0, shape.num_sequences(), shape.length), kZWeight, sink);
  }

  model::GrainLosses pass_by_grain(const StepTokens& tokens) {
    const std::int64_t count = shape.sequences_per_grain;
    model::GrainLosses losses;
    for (std::size_t grain = 0; grain < sink.num_grains(); ++grain) {
      OneGrain gradient(sink, grain);
      const model::PassTokens of_grain = tokens.of(static_cast<std::int64_t>(grain) * count, count, shape.length);
      const model::GrainLosses found = native->run(of_grain, kZWeight, gradient);
      losses.cross_entropy.insert(losses.cross_entropy.end(), found.cross_entropy.begin(), found.cross_entropy.end());
      losses.z.insert(losses.z.end(), found.z.begin(), found.z.end());
    }
    return losses;
  }

  /// Adds the gradients of grains [first, first + count) into the first of them [C-20].
  void add_grains(std::int64_t first, std::int64_t count) {
    if (count == 1) return;
    const auto left = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(count - 1)));
    add_grains(first, left);
    add_grains(first + left, count - left);
    float* const sum = gradient(first);
    device.add(layout.num_elements(), sum, gradient(first + left), sum);
  }

  float* gradient(std::int64_t grain) { return sink.take(0, static_cast<std::size_t>(grain)); }

  double norm_of(const float* gradient) {
    std::vector<float> of_chunks(static_cast<std::size_t>(layout.num_chunks()));
    device.chunk_sums_of_squares(layout.num_elements(), gradient, sums);  // tensors begin at chunks
    device.read(of_chunks.data(), sums, of_chunks.size() * sizeof(float));
    return std::sqrt(numerics::sum_chunks(of_chunks));
  }

  void update(const float* gradient) {
    beta1_power *= static_cast<double>(kAdamW.beta1);
    beta2_power *= static_cast<double>(kAdamW.beta2);
    numerics::AdamWStep adamw = kAdamW;
    adamw.bias_correction1 = static_cast<float>(1.0 - beta1_power);
    adamw.bias_correction2 = static_cast<float>(1.0 - beta2_power);
    for (const TensorLayout::Entry& entry : layout.entries()) {
      adamw.weight_decay = entry.spec.weight_decay ? kAdamW.weight_decay : 0.0f;
      device.adamw_update(entry.spec.num_elements(), adamw, gradient + entry.offset, w + entry.offset, m + entry.offset,
                          v + entry.offset);
    }
    if (native) native->weights_changed();
  }

  numerics::Device& device;
  TrainingShape shape;
  TensorLayout layout;
  numerics::DeviceMemory memory;
  float *w, *m, *v, *sums;
  ResidentSink sink;
  std::optional<model::DevicePasses> exact;  // one of the two
  std::optional<model::NativePasses> native;
  double beta1_power = 1.0, beta2_power = 1.0;
  std::int64_t num_steps = 0;
  std::vector<double> history;  // loss and norm of each step
};

Training::Training(numerics::Device& device, const TrainingShape& shape, Passes passes)
    : state_(std::make_unique<State>(device, shape)) {
  const model::DevicePassOptions options{.record = passes == Passes::kRecorded};
  state_->exact.emplace(device, state_->layout, state_->w, constants_of(shape), options);
}

Training::Training(const NativeDevice& device, const TrainingShape& shape, numerics::OperandType type)
    : state_(std::make_unique<State>(*device.device, shape)) {
  native_ops::NativeOptions options;
  options.operand_type = type == numerics::OperandType::kBfloat16 ? at::kBFloat16 : at::kFloat;
  state_->native.emplace(device.torch_name, *device.device, options, state_->layout, state_->w, constants_of(shape),
                         /*recompute_layers=*/0);
}

Training::~Training() = default;

std::int64_t Training::num_parameters() const { return state_->layout.num_parameters(); }

StepValues Training::step() {
  State& state = *state_;
  const TrainingShape& shape = state.shape;
  const StepTokens tokens = state.tokens_of_step();
  const model::GrainLosses losses = state.pass(tokens);
  state.add_grains(0, shape.grains);
  const auto num_targets = static_cast<double>(tokens.targets.size());
  float* const gradient = state.gradient(0);
  state.device.divide_in_place(state.layout.num_elements(), static_cast<float>(num_targets), gradient);
  StepValues values;
  values.loss =
      sum_of_grains(losses.cross_entropy, shape.grains, shape.sequences_per_grain * shape.length) / num_targets;
  values.gradient_norm = state.norm_of(gradient);
  if (values.gradient_norm > kClipNorm) {
    state.device.scale_in_place(state.layout.num_elements(), static_cast<float>(kClipNorm / values.gradient_norm),
                                gradient);
  }
  state.update(gradient);
  ++state.num_steps;
  state.history.insert(state.history.end(), {values.loss, values.gradient_norm});
  return values;
}

void Training::pass() { state_->pass(state_->tokens_of_step()); }

std::vector<std::vector<float>> Training::gradient_of_pass() {
  pass();
  std::vector<std::vector<float>> tensors;
  for (const TensorLayout::Entry& entry : state_->layout.entries()) {
    std::vector<float>& values = tensors.emplace_back(static_cast<std::size_t>(entry.spec.num_elements()));
    state_->device.read(values.data(), state_->gradient(0) + entry.offset, values.size() * sizeof(float));
  }
  return tensors;
}

Digest Training::digest() const {
  const State& state = *state_;
  Sha256 hash;
  hash.update(std::as_bytes(std::span<const double>(state.history)));
  std::vector<float> values(static_cast<std::size_t>(state.layout.num_elements()));
  for (const float* from : {state.w, state.m, state.v}) {
    state.device.read(values.data(), from, values.size() * sizeof(float));
    hash.update(std::as_bytes(std::span<const float>(values)));
  }
  return hash.finish();
}

std::span<const PublishedTraining> published_training() {
  static constexpr PublishedTraining kPublished[] = {
      {1, "0275022f29d85e772d80b9fb65aa9baf688f287c3f76a04567057c2a6bf5c9b3"},
      {20, "95a152717684d381a52ecb6f55a5e253d6c2cbab00744783c9a4b6a877d3dc61"},
      {1000, "8513dc15b2ed085c89ec491aedb5c477deb29d41c32a3c7f4b09172abeab88e4"},
  };
  return kPublished;
}

}  // namespace reprise::conformance
