#include "native_passes.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <c10/core/DeviceGuard.h>
#include <fmt/format.h>

#include "reprise/core/error.h"

namespace reprise::model {
namespace {

at::Tensor host_view(float* values, std::int64_t count) { return at::from_blob(values, {count}, at::kFloat); }

std::vector<float> to_host(const at::Tensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.numel()));
  host_view(values.data(), tensor.numel()).copy_(tensor.view({-1}));
  return values;
}

at::Tensor view_of_entry(const at::Tensor& flat, const TensorLayout::Entry& entry) {
  return flat.narrow(0, entry.offset, entry.spec.num_elements()).view(entry.spec.shape);
}

}  // namespace

/// Runs `work` with the device as LibTorch's current one, and names its failures.
template <typename Work>
auto NativePasses::guarded(const Work& work) const {
  try {
    const c10::DeviceGuard current(device_);
    return work();
  } catch (const c10::OutOfMemoryError& error) {
    throw Error(ErrorKind::kOutOfMemory, fmt::format("{}: {}", device_.str(), error.what_without_backtrace()),
                "fewer or shorter sequences in one pass (native.grains_per_forward, train.grain_sequences), or "
                "runtime.recompute_layers");
  } catch (const c10::Error& error) {
    throw Error(ErrorKind::kDevice, fmt::format("{}: {}", device_.str(), error.what_without_backtrace()),
                "check the GPU with nvidia-smi, and that the driver is new enough for this LibTorch");
  }
}

NativePasses::NativePasses(const std::string& device, const ops::OperatorSet& operators, const TensorLayout& layout,
                           std::span<float> weights, const DecoderConstants& constants, std::size_t recompute_layers)
    : device_(device),
      operators_(operators),
      host_weights_(host_view(weights.data(), layout.num_elements())),
      constants_(constants),
      recompute_layers_(recompute_layers) {
  guarded([&] {
    const auto on_device = at::TensorOptions().dtype(at::kFloat).device(device_);
    weights_ = at::empty({layout.num_elements()}, on_device);
    gradient_ = at::zeros({layout.num_elements()}, on_device);
    constants_.cos = constants.cos.to(device_);
    constants_.sin = constants.sin.to(device_);
    for (const TensorLayout::Entry& entry : layout.entries()) {
      ops::Parameter& parameter = parameters_.emplace_back();
      parameter.weight = view_of_entry(weights_, entry).detach().set_requires_grad(true);
      parameter.gradients = {view_of_entry(gradient_, entry)};
    }
  });
}

void NativePasses::weights_changed() {
  const std::lock_guard lock(mutex_);
  stale_ = true;
}

void NativePasses::upload_weights() {
  if (!stale_) return;
  weights_.copy_(host_weights_);
  stale_ = false;
}

at::Tensor NativePasses::ids_on_device(std::span<const std::int32_t> ids, const PassTokens& tokens) const {
  return id_view(ids, tokens.num_sequences, tokens.length).to(device_);
}

PassOptions NativePasses::options_of(const PassTokens& tokens) const {
  PassOptions options;
  if (!tokens.document_starts.empty()) options.document_starts = ids_on_device(tokens.document_starts, tokens);
  options.recompute_layers = recompute_layers_;
  return options;
}

GrainLosses NativePasses::run(const PassTokens& tokens, float z_weight, GradientSink& sink) {
  REPRISE_CHECK(sink.num_grains() == 1 && !sink.is_on_device());
  const std::lock_guard lock(mutex_);
  return guarded([&] {
    operators_.prepare_thread();
    upload_weights();
    const ops::HeadLoss loss =
        compute_losses_and_gradients(operators_, constants_, parameters_, ids_on_device(tokens.inputs, tokens),
                                     ids_on_device(tokens.targets, tokens), z_weight, options_of(tokens));
    for (std::size_t part = 0; part < sink.parts().size(); ++part) {
      const ChunkRange& chunks = sink.parts()[part];
      const std::int64_t count = chunks.size() * kChunkElements;
      host_view(sink.take(part, 0), count).copy_(gradient_.narrow(0, chunks.begin * kChunkElements, count));
      sink.done(part);
    }
    return GrainLosses{to_host(loss.cross_entropy), to_host(loss.z)};
  });
}

std::vector<float> NativePasses::score(const PassTokens& tokens) {
  const std::lock_guard lock(mutex_);
  return guarded([&] {
    operators_.prepare_thread();
    upload_weights();
    return to_host(compute_scores(operators_, constants_, parameters_, ids_on_device(tokens.inputs, tokens),
                                  ids_on_device(tokens.targets, tokens), options_of(tokens)));
  });
}

}  // namespace reprise::model
