#pragma once
// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"
// (SC 2011). Stateless: the value is a function of key and counter alone, so no stream can be out of step.
// What the counter words mean is fixed by docs/numeric_contract.md.

#include <array>
#include <cstdint>

namespace reprise {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

/// Returns the four random words of `counter` under `key`.
PhiloxCounter philox4x32_10(PhiloxCounter counter, PhiloxKey key) noexcept;

/// Splits a 64-bit seed into the key words, low word first.
constexpr PhiloxKey philox_key(std::uint64_t seed) noexcept {
  return {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
}

/// The first counter word: what the random value is for. Numbers are part of the contract; never reuse one.
enum class RandomPurpose : std::uint32_t {
  kInit = 1,       // weight initialisation
  kDataOrder = 2,  // round keys of the sample permutation
  kDropout = 3,
  kSuite = 4,      // generated evaluation suites
  kTest = 255,
};

}  // namespace reprise
