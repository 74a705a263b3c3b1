#pragma once
// The OLMo 2 decoder, in the exact or the native numerics profile. LibTorch holds the tensors and the autograd graph;
// this header does not show it, so that users compile without LibTorch's headers. Thread-safety: the const methods may
// run on several threads at once (one grain or one batch each).

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/tensor_layout.h"
#include "reprise/model/gradient_sink.h"
#include "reprise/model/grain_losses.h"

namespace reprise::numerics {
class Device;
}

namespace reprise::model {

/// Called with the name of an activation and its values, row by row.
using SeeActivation = std::function<void(const std::string& name, std::span<const float> values)>;

/// How LibTorch's own operators compute a decoder.
struct NativeProfile {
  NativeProfile(const configs::NativeNumerics& of_recipe, std::string device_name = {})  // NOLINT: most have no device
      : numerics(of_recipe), device(std::move(device_name)) {}

  configs::NativeNumerics numerics;
  std::string device;  // LibTorch's name of the device that the weights lie on, "cuda:0"; not read without one
};

/// A device and all weights in its memory, in the order of the layout. Passes of the exact profile read them as they
/// are; under native it needs native_kernels(). Null: the CPU, and the host's weights.
struct DeviceWeights {
  numerics::Device* device = nullptr;
  float* weights = nullptr;
};

class Decoder {
 public:
  /// `weights` is the flat buffer of `layout`; it is not copied and must outlive the decoder. Its values may change
  /// between calls. `native`: how LibTorch's own operators compute it; without, the exact ones do. `document_end`: an
  /// id that attention does not cross; without, it sees all of a sequence. `recompute_layers`: the activations of this
  /// many layers together are not kept but computed again by the backward pass; the bits do not depend on it.
  /// `on_device`: where the operators compute; must outlive the decoder.
  Decoder(const configs::ModelRecipe& model, std::uint32_t vocab_size, std::int64_t max_length,
          const TensorLayout& layout, std::span<float> weights,
          const std::optional<NativeProfile>& native = std::nullopt,
          std::optional<std::int32_t> document_end = std::nullopt, std::size_t recompute_layers = 0,
          const DeviceWeights& on_device = {});
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  /// To be called when the values of the weights have changed and before the next pass: the native profile on a device
  /// keeps them in the type of its products.
  void weights_changed() const;
  /// Gives the memory of passes that were recorded on a device back, before passes of other shapes.
  void forget_passes() const;

  /// Runs forward and backward on consecutive grains of the same size at once, one per buffer in `gradients`:
  /// `num_sequences` rows in all. The losses and each grain's gradient have the bits that run_grain gives them alone.
  /// The native profile takes one grain.
  GrainLosses run_grains(std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
                         std::int64_t num_sequences, std::int64_t length, float z_weight,
                         std::span<const std::span<float>> gradients) const;

  /// The same, with the gradients given to `sink` part by part, as the backward pass finishes them. (The native profile
  /// on the CPU gives all parts behind the pass; a device gives each between two recorded pieces.)
  GrainLosses run_grains(std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
                         std::int64_t num_sequences, std::int64_t length, float z_weight, GradientSink& sink) const;

  /// Runs forward and backward on one grain of `num_sequences` rows of `length` inputs and targets, and writes the
  /// gradient of sum(cross_entropy + z_weight * z) over the grain to `gradient` (layout.num_elements(), padding zero).
  GrainLosses run_grain(std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
                        std::int64_t num_sequences, std::int64_t length, float z_weight,
                        std::span<float> gradient) const;

  /// Runs forward alone and returns the cross-entropy of each target (0 where the target is negative).
  std::vector<float> score(std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
                           std::int64_t num_sequences, std::int64_t length) const;

  /// How many tokens score() computes at once, where sequences are not longer: calls with fewer leave the processor
  /// idle. 0 under native, whose bits depend on what is computed together: a call's sequences are to be the recipe's
  /// choice, not the machine's.
  std::int64_t score_batch_tokens() const;

  /// Runs forward alone and shows each activation in the order of the pass: "embedding"; "layers.N.attention" and
  /// "layers.N.feed_forward", the branches as they are added to the residual stream; "layers.N.residual", the stream
  /// behind the block; "final_norm"; "logits". The values are those that training computes.
  void observe(std::span<const std::int32_t> inputs, std::int64_t num_sequences, std::int64_t length,
               const SeeActivation& see) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reprise::model
