#include "native_passes.h"

#include <ATen/ops/as_strided.h>
#include <ATen/ops/from_blob.h>

#include "reprise/core/error.h"
#include "reprise/native_ops/device_tensors.h"

namespace reprise::model {
namespace {

using native_ops::copy_values;

at::Tensor host_view(float* values, std::int64_t count) { return at::from_blob(values, {count}, at::kFloat); }

std::vector<float> to_host(const at::Tensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.numel()));
  copy_values(tensor.view({-1}), host_view(values.data(), tensor.numel()));
  return values;
}

at::Tensor elements_of(const at::Tensor& flat, std::int64_t begin, std::int64_t count) {
  return flat.as_strided({count}, {1}, begin);
}

at::Tensor view_of_entry(const at::Tensor& flat, const TensorLayout::Entry& entry) {
  return elements_of(flat, entry.offset, entry.spec.num_elements()).view(entry.spec.shape);
}

}  // namespace

NativePasses::NativePasses(const std::string& device, const ops::OperatorSet& operators, const TensorLayout& layout,
                           std::span<float> weights, const DecoderConstants& constants, std::size_t recompute_layers)
    : device_(device),
      operators_(operators),
      host_weights_(host_view(weights.data(), layout.num_elements())),
      constants_(constants),
      recompute_layers_(recompute_layers) {
  native_ops::on_device(device_, [&] {
    weights_ = native_ops::zeros_on(device_, layout.num_elements());
    gradient_ = native_ops::zeros_on(device_, layout.num_elements());
    constants_.cos = native_ops::moved_to(device_, constants.cos);
    constants_.sin = native_ops::moved_to(device_, constants.sin);
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
  copy_values(host_weights_, weights_);
  stale_ = false;
}

at::Tensor NativePasses::ids_on_device(std::span<const std::int32_t> ids, const PassTokens& tokens) const {
  return native_ops::moved_to(device_, id_view(ids, tokens.num_sequences, tokens.length));
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
  GrainLosses losses;
  native_ops::on_device(device_, [&] {
    operators_.prepare_thread();
    upload_weights();
    const ops::HeadLoss loss =
        compute_losses_and_gradients(operators_, constants_, parameters_, ids_on_device(tokens.inputs, tokens),
                                     ids_on_device(tokens.targets, tokens), z_weight, options_of(tokens));
    for (std::size_t part = 0; part < sink.parts().size(); ++part) {
      const ChunkRange& chunks = sink.parts()[part];
      const std::int64_t count = chunks.size() * kChunkElements;
      copy_values(elements_of(gradient_, chunks.begin * kChunkElements, count), host_view(sink.take(part, 0), count));
      sink.done(part);
    }
    losses = {to_host(loss.cross_entropy), to_host(loss.z)};
  });
  return losses;
}

std::vector<float> NativePasses::score(const PassTokens& tokens) {
  const std::lock_guard lock(mutex_);
  std::vector<float> values;
  native_ops::on_device(device_, [&] {
    operators_.prepare_thread();
    upload_weights();
    values = to_host(compute_scores(operators_, constants_, parameters_, ids_on_device(tokens.inputs, tokens),
                                    ids_on_device(tokens.targets, tokens), options_of(tokens)));
  });
  return values;
}

}  // namespace reprise::model
