#pragma once
// The forward pass as a graph of operators, apart from the Decoder so that tests can look at the graph.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "reprise/core/tensor_layout.h"
#include "reprise/ops/operator_set.h"

namespace reprise::model {

/// What the operators need besides weights; the same for every call.
struct DecoderConstants {
  std::int64_t num_heads = 0;
  std::size_t num_layers = 0;
  float norm_epsilon = 0;
  at::Tensor cos;  // [max_length, head_dim / 2]
  at::Tensor sin;
};

/// What a pass is told besides its tokens. Must outlive the graph.
struct PassOptions {
  /// int32 [B,T], where the document of each token starts; undefined: attention sees all of a sequence.
  at::Tensor document_starts;
  /// Layers whose activations are computed again by the backward pass, in one piece; 0: all activations are kept.
  std::size_t recompute_layers = 0;
  /// Called by the backward pass when the gradients of all tensors from this index of the schema on are complete: for
  /// the final norm and for each layer. Empty: nobody asks.
  std::function<void(std::size_t first_tensor)> on_gradients;
};

/// Index in the schema of the first tensor of a layer.
std::size_t first_tensor_of_layer(std::size_t layer);

class PassGradients;

/// Returns one parameter per entry of `layout` as views of the flat buffers, in the active device's memory; `gradients`
/// has one buffer per grain, or none (no graph). `operands`: the weights in the type that products take, flat as
/// `weights`; undefined where the profile does not keep them.
std::vector<ops::Parameter> parameter_views(const TensorLayout& layout, std::span<float> weights,
                                            std::span<const std::span<float>> gradients,
                                            const at::Tensor& operands = {});

/// Returns a view of `ids`, in the host's memory, as a tensor [num_sequences, length].
at::Tensor id_view(std::span<const std::int32_t> ids, std::int64_t num_sequences, std::int64_t length);

/// Runs embedding, layers and final norm: ids [B,T] to hidden states [B,T,D]. `parameters` in schema order.
at::Tensor forward_hidden(const ops::OperatorSet& operators, const DecoderConstants& constants,
                          std::span<const ops::Parameter> parameters, const at::Tensor& ids,
                          const PassOptions& options = {});

/// One pass with a graph: the losses of ids and targets [B,T]; the gradients go to the parameters' destinations.
ops::HeadLoss compute_losses_and_gradients(const ops::OperatorSet& operators, const DecoderConstants& constants,
                                           std::span<const ops::Parameter> parameters, const at::Tensor& ids,
                                           const at::Tensor& targets, float z_weight, const PassOptions& options);

/// The same for `gradients`' parameters, whose last parts are given away.
ops::HeadLoss compute_losses_and_gradients(const ops::OperatorSet& operators, const DecoderConstants& constants,
                                           PassGradients& gradients, const at::Tensor& ids, const at::Tensor& targets,
                                           float z_weight, const PassOptions& options);

/// Forward alone, without a graph: the cross-entropy of each target.
at::Tensor compute_scores(const ops::OperatorSet& operators, const DecoderConstants& constants,
                          std::span<const ops::Parameter> parameters, const at::Tensor& ids, const at::Tensor& targets,
                          const PassOptions& options);

}  // namespace reprise::model
