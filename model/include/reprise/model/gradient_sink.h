#pragma once
// Where the gradients of a backward pass go. The pass finishes the tensors of a layout from the last to the first, so a
// gradient that is divided into parts can be used part by part while the pass goes on.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "reprise/core/tensor_layout.h"

namespace reprise::model {

/// Divides a decoder's layout into parts of at least `min_elements`, in the order in which a backward pass finishes
/// them: the head with the final norm, the layers from the last to the first, the embedding. 0: one part.
std::vector<ChunkRange> gradient_parts(const TensorLayout& layout, std::int64_t min_elements);

/// Called from the thread that runs the pass.
class GradientSink {
 public:
  virtual ~GradientSink() = default;
  /// gradient_parts() of the layout.
  virtual std::span<const ChunkRange> parts() const = 0;
  /// Grains of the pass, each with a gradient of its own.
  virtual std::size_t num_grains() const = 0;
  /// Whether take() gives memory of the device that runs the pass, and not of the host.
  virtual bool is_on_device() const { return false; }
  /// Returns memory for the elements of a part of one grain's gradient (contents undefined), before it is written.
  /// Parts are taken in their order, the next one when the one before is done.
  virtual float* take(std::size_t part, std::size_t grain) = 0;
  /// The part of all grains is written, its padding zero; on a device, behind what was given to it before.
  virtual void done(std::size_t part) = 0;
};

}  // namespace reprise::model
