#include "reprise/configs/profile.h"

namespace reprise::configs {

bool is_native(const Recipe& recipe) { return recipe.numerics() == "native"; }

std::uint32_t sequences_per_leaf(const Recipe& recipe) {
  const std::uint32_t grains = is_native(recipe) ? recipe.native().grains_per_forward() : 1;
  return recipe.train().grain_sequences() * grains;
}

std::optional<std::int32_t> document_end(const Recipe& recipe) {
  if (!recipe.train().document_mask()) return std::nullopt;
  return kEndOfTextId;
}

}  // namespace reprise::configs
