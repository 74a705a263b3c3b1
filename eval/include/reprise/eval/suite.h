#pragma once
// The minimal-pair suite: English sentence pairs made from our own lexicon and templates
// (docs/reference/minimal_pairs.md). The suite is a function of the number of pairs per phenomenon alone: no seed of a
// run, no file, no clock.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/core/hash.h"

namespace reprise::eval {

/// Two sentences of the same number of words, alike but for the thing the phenomenon is about.
struct MinimalPair {
  std::string phenomenon;
  std::string good;
  std::string bad;
};

/// Returns the names of the phenomena in the order of the suite, which is alphabetical.
std::vector<std::string> phenomenon_names();

/// Generates `pairs_per_phenomenon` distinct pairs of each phenomenon, phenomenon by phenomenon. Throws kConfig when
/// the lexicon cannot make that many: more than configs::kMostPairsPerPhenomenon.
std::vector<MinimalPair> generate_suite(std::uint32_t pairs_per_phenomenon);

/// Hash over the pairs in order: CanonicalHasher "reprise.suite.v1" with u64 "pairs", then per pair the strings
/// "phenomenon", "good", "bad".
Digest suite_digest(const std::vector<MinimalPair>& pairs);

}  // namespace reprise::eval
