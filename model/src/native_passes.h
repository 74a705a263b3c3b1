#pragma once
// The passes of the native profile on a GPU: the weights lie there, tokens go there, losses come back and gradients go
// where they are wanted. LibTorch's operators and this project's kernels (native_ops/gpu_operators.h) work on the same
// memory, in one order.

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "decoder_graph.h"
#include "device_passes.h"
#include "reprise/core/tensor_layout.h"
#include "reprise/model/gradient_sink.h"
#include "reprise/model/grain_losses.h"
#include "reprise/native_ops/native_operators.h"

namespace reprise::model {

/// Thread-safe; passes run one after another. Failures of the device: Error(kDevice), Error(kOutOfMemory).
class NativePasses {
 public:
  /// `name`: the device's to LibTorch, "cuda:0", whose part of LibTorch is loaded. `device`: the same one, with
  /// native_kernels(), its work in LibTorch's order. `constants` with its tables in the host's memory. `device`,
  /// `layout` and the weights must outlive this; their values may change, which weights_changed() tells.
  NativePasses(const std::string& name, numerics::Device& device, const native_ops::NativeOptions& options,
               const TensorLayout& layout, float* weights_on_device, const DecoderConstants& constants,
               std::size_t recompute_layers);
  ~NativePasses();
  NativePasses(const NativePasses&) = delete;
  NativePasses& operator=(const NativePasses&) = delete;

  void weights_changed();

  /// Forward and backward of one grain; its gradient goes to `sink` part by part, where sink.is_on_device() as
  /// DevicePasses::run() says.
  GrainLosses run(const PassTokens& tokens, float z_weight, GradientSink& sink);
  /// Forward alone: the cross-entropy of each target.
  std::vector<float> score(const PassTokens& tokens);

 private:
  at::Tensor ids_on_device(std::span<const std::int32_t> ids, const PassTokens& tokens) const;
  PassOptions options_of(const PassTokens& tokens) const;
  void refresh_operands();
  ops::HeadLoss compute(const PassTokens& tokens, float z_weight, GradientSink& sink);
  ops::HeadLoss compute_for_host(const PassTokens& tokens, float z_weight, GradientSink& sink);

  at::Device name_;
  numerics::Device& device_;
  const TensorLayout& layout_;
  std::unique_ptr<const ops::OperatorSet> operators_;
  DecoderConstants constants_;
  std::size_t recompute_layers_;
  std::mutex mutex_;
  bool stale_ = true;
  std::span<float> weights_;  // on the device
  at::Tensor flat_weights_;   // a view of them
  at::Tensor operands_;       // the weights in the type that products take; the same as they, where that is float32
};

}  // namespace reprise::model
