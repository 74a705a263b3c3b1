#pragma once
// Whole training steps of a fixed model on fixed tokens: forward, backward, the tree over grains, norm, clip, AdamW.
// All of it lies and happens on one device; tokens go there, losses and the sums of squares of chunks come back. The
// model is the decoder that `reprise train` trains; nothing is read from files. Under the native profile only the
// passes are others: one for each grain.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "named_device.h"
#include "reprise/core/hash.h"
#include "reprise/core/tensor_layout.h"
#include "reprise/numerics/device.h"
#include "reprise/numerics/native_kernels.h"

namespace reprise::conformance {

struct TrainingShape {
  std::int64_t vocab, hidden, ffn, layers, heads;
  std::int64_t grains, length;
  std::int64_t sequences_per_grain = 1;
  bool documents = false;  // of 1, 2, 3, ... tokens in each sequence, and attention stays in them

  std::int64_t num_sequences() const { return grains * sequences_per_grain; }
};

/// Whether passes are recorded and repeated as one piece, where the device can, or call their operators each time.
enum class Passes { kRecorded, kByOperator };

/// Over 10 million parameters; tokens of a grain, the keys of a query and the feed-forward width exceed a segment
/// [C-3].
inline constexpr TrainingShape kFullTraining{8192, 256, 1024, 6, 4, 3, 272};
/// Seconds on an emulated device.
inline constexpr TrainingShape kSmallTraining{67, 32, 48, 2, 2, 3, 19};

struct StepValues {
  double loss = 0;           // mean cross-entropy
  double gradient_norm = 0;  // before clipping
};

/// Called behind each step with its number from 1 on, its values, and the digest of all steps so far.
using SeeStep = std::function<void(std::int64_t step, const StepValues& values, const Digest& digest)>;

class Training {
 public:
  /// The device must outlive it.
  Training(numerics::Device& device, const TrainingShape& shape, Passes passes = Passes::kRecorded);
  /// Under the native profile, with products and attention of operands of `type`.
  Training(const NativeDevice& device, const TrainingShape& shape, numerics::OperandType type);
  ~Training();
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  std::int64_t num_parameters() const;
  /// Runs one step and returns its values.
  StepValues step();
  /// Runs forward and backward on the tokens of the next step, which changes nothing.
  void pass();
  /// The same; returns the gradient of the first grain by tensor, in the order of the layout.
  std::vector<std::vector<float>> gradient_of_pass();
  /// SHA-256 over losses and norms of all steps so far, then weights and moments as they are.
  Digest digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct PublishedTraining {
  std::int64_t steps;
  std::string_view digest;  // of kFullTraining behind `steps`
};

/// Returns the digests of docs/numeric_contract.md, fewest steps first.
std::span<const PublishedTraining> published_training();

}  // namespace reprise::conformance
