// What a root and a state digest commit to.

#include "file_format.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/core/merkle.h"

namespace reprise::checkpoints {

Digest header_hash(const Header& header) {
  return CanonicalHasher("reprise.checkpoint.v1")
      .u64("step", header.step)
      .u64("tokens_seen", header.tokens_seen)
      .u64("next_sample", header.next_sample)
      .u64("adam_step", header.adam_step)
      .f64("beta1_power", header.beta1_power)
      .f64("beta2_power", header.beta2_power)
      .u64("seed", header.seed)
      .u64("contract_version", header.contract_version)
      .digest("recipe_hash", header.recipe_hash)
      .digest("data_root", header.data_root)
      .digest("previous_root", header.previous_root)
      .finish();
}

Digest state_digest(std::uint64_t step, const TensorLayout& layout, const StateDigests& digests) {
  CanonicalHasher hasher("reprise.state.v1");
  hasher.u64("step", step);
  for (const std::vector<Digest>* part : {&digests.weights, &digests.first_moments, &digests.second_moments}) {
    for (const Digest& tensor : tensor_digests(layout, *part)) hasher.digest("tensor", tensor);
  }
  return hasher.finish();
}

Digest checkpoint_root(const Header& header, const TensorLayout& layout, const StateDigests& digests) {
  std::vector<Digest> leaves{header_hash(header)};
  for (const std::vector<Digest>* part : {&digests.weights, &digests.first_moments, &digests.second_moments}) {
    const std::vector<Digest> tensors = tensor_digests(layout, *part);
    leaves.insert(leaves.end(), tensors.begin(), tensors.end());
  }
  return merkle_root(leaves);
}

}  // namespace reprise::checkpoints
