#pragma once
// Names inside a checkpoint file (docs/formats/checkpoint.md), shared by the writer and the reader.

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/checkpoints/checkpoint.h"

namespace reprise::checkpoints {

inline constexpr const char* kFormatName = "reprise.checkpoint.v1";
inline constexpr const char* kDeltaFormatName = "reprise.checkpoint.delta.v1";
inline constexpr const char* kAverageFormatName = "reprise.average.v1";
inline constexpr const char* kDeltaGroup = "weight_deltas";  // in place of `weights` in a file of differences
inline constexpr std::size_t kHexDigits = 64;

/// One of the three parts of the state: where its tensors and its chunk digests are.
struct Part {
  const char* group;    // one dataset per tensor
  const char* digests;  // uint8 [chunks, 32]
  const char* noun;     // for messages
  std::vector<Digest> StateDigests::*of;
};

inline constexpr std::array<Part, 3> kParts{{
    {"weights", "digests/weights", "weight", &StateDigests::weights},
    {"optimizer/first_moments", "digests/first_moments", "first moment", &StateDigests::first_moments},
    {"optimizer/second_moments", "digests/second_moments", "second moment", &StateDigests::second_moments},
}};

/// The first leaf of a checkpoint's root.
Digest header_hash(const Header& header);

/// Returns a shape as it stands in an attribute: "[300,40]", "[]" of a single number.
std::string shape_text(std::span<const std::int64_t> shape);

/// Reads shape_text(); nothing when it is none.
std::optional<std::vector<std::int64_t>> shape_of_text(std::string_view text);

/// Calls visit(name, member) for each number and digest of a header, in the order of the root. `header` may be const.
template <typename HeaderType, typename Visitor>
void visit_header(HeaderType& header, Visitor&& visit) {
  visit("step", header.step);
  visit("tokens_seen", header.tokens_seen);
  visit("next_sample", header.next_sample);
  visit("adam_step", header.adam_step);
  visit("beta1_power", header.beta1_power);
  visit("beta2_power", header.beta2_power);
  visit("seed", header.seed);
  visit("contract_version", header.contract_version);
  visit("recipe_hash", header.recipe_hash);
  visit("data_root", header.data_root);
  visit("previous_root", header.previous_root);
}

}  // namespace reprise::checkpoints
