#include "device_passes.h"

#include <algorithm>
#include <bit>

#include "device_sink.h"
#include "gradient_parts.h"
#include "reprise/core/error.h"
#include "reprise/ops/device_scope.h"

namespace reprise::model {
namespace {

std::size_t bytes_of(const ChunkRange& part) {
  return static_cast<std::size_t>(part.size() * kChunkElements) * sizeof(float);
}

}  // namespace

/// What a shape keeps from pass to pass, at fixed addresses.
struct DevicePasses::Pass {
  explicit Pass(numerics::Device& device) : memory(device) {}

  numerics::DeviceMemory memory;
  at::Tensor ids, targets;
  at::Tensor document_starts;                 // undefined without documents
  std::vector<float*> gradients;              // by grain: the part that the pass is at
  ops::HeadLoss loss;                         // of the last pass
  std::vector<std::function<void()>> pieces;  // of a recorded pass: one for each part, which it completes
};

DevicePasses::DevicePasses(numerics::Device& device, const TensorLayout& layout, float* weights_on_device,
                           const DecoderConstants& constants, const DevicePassOptions& options)
    : device_(device),
      layout_(layout),
      constants_(constants),
      options_(options),
      memory_(device),
      weights_(weights_on_device, static_cast<std::size_t>(layout.num_elements())) {
  move_tables();
}

DevicePasses::~DevicePasses() = default;

void DevicePasses::move_tables() {
  const ops::DeviceScope scope(device_);
  for (at::Tensor* table : {&constants_.cos, &constants_.sin}) {
    const at::Tensor values = *table;
    float* const on_device = memory_.take<float>(values.numel());
    device_.write(on_device, values.const_data_ptr<float>(), values.nbytes());
    *table = ops::view_of(on_device, values.sizes());
  }
  device_.synchronize();
}

void DevicePasses::write_tokens(Pass& pass, const PassTokens& tokens) {
  const auto write = [&](const at::Tensor& to, std::span<const std::int32_t> from) {
    device_.write(to.mutable_data_ptr<std::int32_t>(), from.data(), from.size_bytes());
  };
  write(pass.ids, tokens.inputs);
  write(pass.targets, tokens.targets);
  if (pass.document_starts.defined()) write(pass.document_starts, tokens.document_starts);
}

DevicePasses::Pass& DevicePasses::pass_of(const Shape& shape, const PassTokens& tokens, const GradientSink& sink) {
  std::unique_ptr<Pass>& pass = passes_[shape];
  if (pass) return *pass;
  pass = std::make_unique<Pass>(device_);
  const auto new_ids = [&] {
    return ops::view_of(pass->memory.take<std::int32_t>(tokens.num_sequences * tokens.length),
                        {tokens.num_sequences, tokens.length});
  };
  pass->ids = new_ids();
  pass->targets = new_ids();
  if (!tokens.document_starts.empty()) pass->document_starts = new_ids();
  std::int64_t largest = 0;
  for (const ChunkRange& part : sink.parts()) largest = std::max(largest, part.size());
  for (std::size_t grain = 0; grain < sink.num_grains(); ++grain) {
    pass->gradients.push_back(pass->memory.take<float>(largest * kChunkElements));
  }
  return *pass;
}

void DevicePasses::compute(Pass& pass, float z_weight, std::span<const ChunkRange> parts, const OnPart& on_part) const {
  pass.loss = {};  // its memory is this pass's
  DeviceSink sink(parts, pass.gradients, on_part);
  PassGradients gradients(layout_, weights_, sink);
  gradients.take_first();
  PassOptions options;
  options.document_starts = pass.document_starts;
  options.recompute_layers = options_.recompute_layers;
  options.on_gradients = [&](std::size_t first_tensor) { gradients.complete_from(first_tensor); };
  pass.loss = compute_losses_and_gradients(ops::exact_operators(), constants_, gradients, pass.ids, pass.targets,
                                           z_weight, options);
}

/// Gives what the pass's buffers hold away, before the next part is written there: behind what was given to the device,
/// where the sink's memory is on it too, so that a GPU need not be waited for.
void DevicePasses::give_part(const Pass& pass, std::size_t part, GradientSink& sink) {
  const std::size_t num_bytes = bytes_of(sink.parts()[part]);
  for (std::size_t grain = 0; grain < sink.num_grains(); ++grain) {
    float* const to = sink.take(part, grain);
    const float* const from = pass.gradients[grain];
    sink.is_on_device() ? device_.copy(to, from, num_bytes) : device_.read(to, from, num_bytes);
  }
  sink.done(part);
}

GrainLosses DevicePasses::run(const PassTokens& tokens, float z_weight, GradientSink& sink) {
  const std::lock_guard lock(mutex_);
  const ops::DeviceScope scope(device_);
  const std::span<const ChunkRange> parts = sink.parts();
  const Shape shape{tokens.num_sequences,
                    tokens.length,
                    sink.num_grains(),
                    parts.size(),
                    std::bit_cast<std::uint32_t>(z_weight),
                    !tokens.document_starts.empty()};
  Pass& pass = pass_of(shape, tokens, sink);
  write_tokens(pass, tokens);
  if (options_.record && pass.pieces.empty()) {
    pass.pieces = device_.record([&] {
      compute(pass, z_weight, parts, [&](std::size_t part) {
        if (part + 1 < parts.size()) device_.end_piece();
      });
    });
  }
  const auto give = [&](std::size_t part) { give_part(pass, part, sink); };
  if (pass.pieces.empty()) {
    compute(pass, z_weight, parts, give);
  } else {
    REPRISE_CHECK_EQ(pass.pieces.size(), parts.size());
    for (std::size_t part = 0; part < parts.size(); ++part) {
      pass.pieces[part]();
      give(part);
    }
  }
  GrainLosses losses;
  const auto read = [&](const at::Tensor& from, std::vector<float>& to) {
    to.resize(static_cast<std::size_t>(from.numel()));
    device_.read(to.data(), from.const_data_ptr<float>(), to.size() * sizeof(float));
  };
  read(pass.loss.cross_entropy, losses.cross_entropy);
  read(pass.loss.z, losses.z);
  return losses;
}

void DevicePasses::forget() {
  const std::lock_guard lock(mutex_);
  device_.synchronize();
  passes_.clear();
}

std::vector<float> DevicePasses::score(const PassTokens& tokens) {
  const std::lock_guard lock(mutex_);
  const ops::DeviceScope scope(device_);
  numerics::DeviceMemory memory(device_);
  const auto copied = [&](std::span<const std::int32_t> values) {
    return ops::view_of(memory.copy_of(values), {tokens.num_sequences, tokens.length});
  };
  PassOptions options;
  if (!tokens.document_starts.empty()) options.document_starts = copied(tokens.document_starts);
  const at::Tensor losses = compute_scores(ops::exact_operators(), constants_, parameter_views(layout_, weights_, {}),
                                           copied(tokens.inputs), copied(tokens.targets), options);
  std::vector<float> values(static_cast<std::size_t>(losses.numel()));
  device_.read(values.data(), losses.const_data_ptr<float>(), values.size() * sizeof(float));
  return values;
}

}  // namespace reprise::model
