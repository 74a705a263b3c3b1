#pragma once
// Gradients in buffers of a pass, for passes whose gradients are not wanted where they are computed.

#include <functional>
#include <span>
#include <vector>

#include "reprise/model/gradient_sink.h"

namespace reprise::model {

/// A buffer for each grain, where part follows part.
class DeviceSink final : public GradientSink {
 public:
  DeviceSink(std::span<const ChunkRange> parts, const std::vector<float*>& buffers,
             const std::function<void(std::size_t part)>& on_part)
      : parts_(parts), buffers_(buffers), on_part_(on_part) {}
  std::span<const ChunkRange> parts() const override { return parts_; }
  std::size_t num_grains() const override { return buffers_.size(); }
  float* take(std::size_t, std::size_t grain) override { return buffers_[grain]; }
  void done(std::size_t part) override { on_part_(part); }

 private:
  std::span<const ChunkRange> parts_;
  const std::vector<float*>& buffers_;
  const std::function<void(std::size_t part)>& on_part_;
};

}  // namespace reprise::model
