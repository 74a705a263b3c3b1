#include "native_passes.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>

#include "device_sink.h"
#include "gradient_parts.h"
#include "reprise/core/error.h"
#include "reprise/native_ops/device_tensors.h"
#include "reprise/native_ops/gpu_operators.h"
#include "reprise/numerics/device_memory.h"
#include "reprise/ops/device_scope.h"

namespace reprise::model {
namespace {

std::vector<float> to_host(const at::Tensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.numel()));
  native_ops::copy_values(tensor.view({-1}), at::from_blob(values.data(), {tensor.numel()}, at::kFloat));
  return values;
}

std::unique_ptr<const ops::OperatorSet> operators_on(numerics::Device& device,
                                                     const native_ops::NativeOptions& options) {
  REPRISE_CHECK(device.native_kernels() != nullptr);
  return native_ops::make_gpu_operators(options, *device.native_kernels());
}

}  // namespace

NativePasses::NativePasses(const std::string& name, numerics::Device& device, const native_ops::NativeOptions& options,
                           const TensorLayout& layout, float* weights_on_device, const DecoderConstants& constants,
                           std::size_t recompute_layers)
    : name_(name),
      device_(device),
      layout_(layout),
      operators_(operators_on(device, options)),
      constants_(constants),
      recompute_layers_(recompute_layers),
      weights_(weights_on_device, static_cast<std::size_t>(layout.num_elements())) {
  // Stays with the device: LibTorch's allocator outlives these passes.
  device_.on_shortage([torch = name_] { native_ops::on_device(torch, [&] { native_ops::give_back_unused(torch); }); });
  native_ops::on_device(name_, [&] {
    const ops::DeviceScope scope(device_, name_);
    constants_.cos = native_ops::copied_to(name_, constants.cos);
    constants_.sin = native_ops::copied_to(name_, constants.sin);
    flat_weights_ = ops::view_of(weights_on_device, {layout.num_elements()});
    operands_ = options.operand_type == at::kFloat
                    ? flat_weights_
                    : native_ops::empty_on(name_, layout.num_elements(), options.operand_type);
  });
}

NativePasses::~NativePasses() {
  constants_ = {};
  operands_.reset();
  try {
    // What comes next on the GPU may not be LibTorch's.
    native_ops::give_back_unused(name_);
  } catch (...) {
    // The GPU is lost: what lost it is what is reported.
  }
}

void NativePasses::weights_changed() {
  const std::lock_guard lock(mutex_);
  stale_ = true;
}

void NativePasses::refresh_operands() {
  if (!stale_) return;
  if (operands_.scalar_type() != at::kFloat) native_ops::copy_values(flat_weights_, operands_);
  stale_ = false;
}

at::Tensor NativePasses::ids_on_device(std::span<const std::int32_t> ids, const PassTokens& tokens) const {
  return native_ops::copied_to(name_, id_view(ids, tokens.num_sequences, tokens.length));
}

PassOptions NativePasses::options_of(const PassTokens& tokens) const {
  PassOptions options;
  if (!tokens.document_starts.empty()) options.document_starts = ids_on_device(tokens.document_starts, tokens);
  options.recompute_layers = recompute_layers_;
  return options;
}

ops::HeadLoss NativePasses::compute(const PassTokens& tokens, float z_weight, GradientSink& sink) {
  PassGradients gradients(layout_, weights_, sink, operands_);
  gradients.take_first();
  PassOptions options = options_of(tokens);
  options.on_gradients = [&](std::size_t first_tensor) { gradients.complete_from(first_tensor); };
  return compute_losses_and_gradients(*operators_, constants_, gradients, ids_on_device(tokens.inputs, tokens),
                                      ids_on_device(tokens.targets, tokens), z_weight, options);
}

ops::HeadLoss NativePasses::compute_for_host(const PassTokens& tokens, float z_weight, GradientSink& sink) {
  const std::span<const ChunkRange> parts = sink.parts();
  std::int64_t largest = 0;
  for (const ChunkRange& part : parts) largest = std::max(largest, part.size());
  numerics::DeviceMemory memory(device_);
  const std::vector<float*> buffers = {memory.take<float>(largest * kChunkElements)};
  const std::function<void(std::size_t)> on_part = [&](std::size_t part) {
    device_.read(sink.take(part, 0), buffers[0],
                 static_cast<std::size_t>(parts[part].size() * kChunkElements) * sizeof(float));
    sink.done(part);
  };
  DeviceSink on_device(parts, buffers, on_part);
  return compute(tokens, z_weight, on_device);
}

GrainLosses NativePasses::run(const PassTokens& tokens, float z_weight, GradientSink& sink) {
  REPRISE_CHECK_EQ(sink.num_grains(), 1u);
  const std::lock_guard lock(mutex_);
  GrainLosses losses;
  native_ops::on_device(name_, [&] {
    const ops::DeviceScope scope(device_, name_);
    operators_->prepare_thread();
    refresh_operands();
    const ops::HeadLoss loss =
        sink.is_on_device() ? compute(tokens, z_weight, sink) : compute_for_host(tokens, z_weight, sink);
    losses = {to_host(loss.cross_entropy), to_host(loss.z)};
  });
  return losses;
}

std::vector<float> NativePasses::score(const PassTokens& tokens) {
  const std::lock_guard lock(mutex_);
  std::vector<float> values;
  native_ops::on_device(name_, [&] {
    const ops::DeviceScope scope(device_, name_);
    operators_->prepare_thread();
    refresh_operands();
    const std::vector<ops::Parameter> parameters = parameter_views(layout_, weights_, {}, operands_);
    values = to_host(compute_scores(*operators_, constants_, parameters, ids_on_device(tokens.inputs, tokens),
                                    ids_on_device(tokens.targets, tokens), options_of(tokens)));
  });
  return values;
}

}  // namespace reprise::model
