#pragma once
// The gradients of one pass on their way into a sink.

#include <cstddef>
#include <span>
#include <vector>

#include "reprise/core/tensor_layout.h"
#include "reprise/model/gradient_sink.h"
#include "reprise/ops/parameter.h"

namespace reprise::model {

/// One part: a whole buffer for each grain.
class FlatSink final : public GradientSink {
 public:
  FlatSink(const TensorLayout& layout, std::span<const std::span<float>> gradients)
      : whole_{0, layout.num_chunks()}, gradients_(gradients) {}
  std::span<const ChunkRange> parts() const override { return {&whole_, 1}; }
  std::size_t num_grains() const override { return gradients_.size(); }
  float* take(std::size_t, std::size_t grain) override { return gradients_[grain].data(); }
  void done(std::size_t) override {}

 private:
  ChunkRange whole_;
  std::span<const std::span<float>> gradients_;
};

/// The parameters of a pass, whose gradients get their memory from the sink when the pass comes to them.
class PassGradients {
 public:
  /// `operands`: as of parameter_views().
  PassGradients(const TensorLayout& layout, std::span<float> weights, GradientSink& sink,
                const at::Tensor& operands = {});

  std::span<const ops::Parameter> parameters() const { return parameters_; }

  /// Takes the memory of the first part: the head's gradient is written by the forward pass.
  void take_first() { take(0); }
  void take_all();
  /// All gradients of the tensors from `first_tensor` of the schema on are written: gives the parts that are complete
  /// away and takes the next one, where it has not been taken.
  void complete_from(std::size_t first_tensor);

 private:
  void take(std::size_t part);
  void zero_padding(std::size_t part);

  const TensorLayout& layout_;
  GradientSink& sink_;
  std::vector<ops::Parameter> parameters_;
  std::vector<std::vector<float*>> memory_;  // by part and grain, as far as taken
  std::size_t num_done_ = 0;
};

}  // namespace reprise::model
