#pragma once
// The passes of a decoder on a device with memory of its own: the weights lie there, tokens go there, losses and
// gradients come back. The first pass of a shape is recorded and then repeated where the device can do that, in one
// piece for each part of the gradient: no operator is called, no memory asked for.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <tuple>
#include <vector>

#include "decoder_graph.h"
#include "reprise/core/tensor_layout.h"
#include "reprise/model/gradient_sink.h"
#include "reprise/model/grain_losses.h"
#include "reprise/numerics/device_memory.h"

namespace reprise::model {

/// The tokens of a pass, in the host's memory: num_sequences rows of `length`.
struct PassTokens {
  std::span<const std::int32_t> inputs;
  std::span<const std::int32_t> targets;
  std::span<const std::int32_t> document_starts;  // empty: attention sees all of a sequence
  std::int64_t num_sequences = 0;
  std::int64_t length = 0;
};

struct DevicePassOptions {
  std::size_t recompute_layers = 0;
  /// False: every pass calls its operators. For comparison.
  bool record = true;
};

/// Thread-safe; passes run one after another.
class DevicePasses {
 public:
  /// `constants` with its tables in the host's memory. `device`, `layout` and the weights must outlive this; passes
  /// read the weights as they are.
  DevicePasses(numerics::Device& device, const TensorLayout& layout, float* weights_on_device,
               const DecoderConstants& constants, const DevicePassOptions& options);
  ~DevicePasses();
  DevicePasses(const DevicePasses&) = delete;
  DevicePasses& operator=(const DevicePasses&) = delete;

  /// Forward and backward; the gradient of each grain goes to `sink` part by part. Where sink.is_on_device(), a GPU has
  /// not computed it yet when sink.done() is called, but will before what is given to it from there on.
  GrainLosses run(const PassTokens& tokens, float z_weight, GradientSink& sink);
  /// Waits for the device and gives back what the shapes seen so far keep: recordings, and the memory they write to.
  void forget();
  /// Forward alone: the cross-entropy of each target.
  std::vector<float> score(const PassTokens& tokens);

 private:
  struct Pass;
  // Sequences, length, grains, parts, bits of the weight of the z-loss, documents or not.
  using Shape = std::tuple<std::int64_t, std::int64_t, std::size_t, std::size_t, std::uint32_t, bool>;

  Pass& pass_of(const Shape& shape, const PassTokens& tokens, const GradientSink& sink);
  using OnPart = std::function<void(std::size_t part)>;  // the part is in the pass's buffers

  void compute(Pass& pass, float z_weight, std::span<const ChunkRange> parts, const OnPart& on_part) const;
  void give_part(const Pass& pass, std::size_t part, GradientSink& sink);
  void write_tokens(Pass& pass, const PassTokens& tokens);
  void move_tables();

  numerics::Device& device_;
  const TensorLayout& layout_;
  DecoderConstants constants_;
  DevicePassOptions options_;
  std::mutex mutex_;
  numerics::DeviceMemory memory_;
  std::span<float> weights_;  // on the device
  std::map<Shape, std::unique_ptr<Pass>> passes_;
};

}  // namespace reprise::model
