#pragma once
// The scorer of a run: one decoder whose weights are replaced checkpoint by checkpoint. It computes the exact profile,
// also for runs of the native one.

#include <memory>
#include <optional>
#include <vector>

#include "reprise/checkpoints/checkpoint.h"
#include "reprise/configs/config.pb.h"
#include "reprise/eval/scoring.h"
#include "reprise/model/decoder.h"
#include "reprise/numerics/device_memory.h"

namespace reprise::eval {

class DecoderScorer : public Scorer {
 public:
  /// `device`: where to compute; null: the CPU.
  explicit DecoderScorer(const configs::Recipe& recipe, std::shared_ptr<numerics::Device> device = nullptr);

  /// Takes over the weights of a verified checkpoint. Not while score() runs. Throws kCheckpoint when it holds another
  /// model than the recipe's.
  void load(const checkpoints::LoadedCheckpoint& checkpoint);

  std::vector<float> score(std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
                           std::int64_t num_sequences, std::int64_t length) const override;
  std::size_t batch_tokens() const override;

 private:
  TensorLayout layout_;
  std::vector<float> weights_;
  std::shared_ptr<numerics::Device> device_;
  std::optional<numerics::DeviceMemory> device_memory_;
  model::DeviceWeights device_weights_;
  model::Decoder decoder_;
};

}  // namespace reprise::eval
