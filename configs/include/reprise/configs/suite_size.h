#pragma once
// How many minimal pairs a recipe may ask for (docs/reference/minimal_pairs.md).

#include <cstdint>

namespace reprise::configs {

/// Pairs that the templates of every phenomenon have. The least are those of reflexive_agreement: its templates take
/// turns, ten of them, and the fifth is the first whose 42 sentences are used up. A test of eval/ holds the two
/// together.
inline constexpr std::uint32_t kMostPairsPerPhenomenon = 424;

}  // namespace reprise::configs
