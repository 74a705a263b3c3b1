#pragma once
// The passes of LibTorch's own operators on a device of LibTorch: the weights lie there, tokens go there, losses and
// the gradient come back.

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "decoder_graph.h"
#include "device_passes.h"
#include "reprise/core/tensor_layout.h"
#include "reprise/model/gradient_sink.h"
#include "reprise/model/grain_losses.h"

namespace reprise::model {

/// Thread-safe; passes run one after another. Failures of the device: Error(kDevice), Error(kOutOfMemory).
class NativePasses {
 public:
  /// `device`: a name of LibTorch, "cuda:0", whose part of LibTorch is loaded. `constants` with its tables in the
  /// host's memory. `operators` and `weights` must outlive this; the values of `weights` may change, which
  /// weights_changed() tells.
  NativePasses(const std::string& device, const ops::OperatorSet& operators, const TensorLayout& layout,
               std::span<float> weights, const DecoderConstants& constants, std::size_t recompute_layers);

  void weights_changed();

  /// Forward and backward of one grain; its gradient goes to `sink` behind the pass.
  GrainLosses run(const PassTokens& tokens, float z_weight, GradientSink& sink);
  /// Forward alone: the cross-entropy of each target.
  std::vector<float> score(const PassTokens& tokens);

 private:
  at::Tensor ids_on_device(std::span<const std::int32_t> ids, const PassTokens& tokens) const;
  PassOptions options_of(const PassTokens& tokens) const;
  void upload_weights();

  at::Device device_;
  const ops::OperatorSet& operators_;
  at::Tensor host_weights_;
  DecoderConstants constants_;
  std::size_t recompute_layers_;
  std::mutex mutex_;
  bool stale_ = true;
  at::Tensor weights_, gradient_;  // flat, on the device; the padding of the gradient stays zero
  std::vector<ops::Parameter> parameters_;
};

}  // namespace reprise::model
