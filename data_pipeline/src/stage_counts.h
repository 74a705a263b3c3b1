#pragma once
// How many samples of a stage each group gets (docs/reference/mixtures.md, "Counts").

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reprise/configs/batch_plan.h"
#include "reprise/configs/config.pb.h"

namespace reprise::data {

/// Divides `total` in proportion to `weights`, exactly: each gets the whole part of its quota, and what is left goes to
/// the greatest remainders, the first of equal ones. Not all weights are 0; their sum and `total` are below 2^60.
std::vector<std::uint64_t> divide(std::uint64_t total, std::span<const std::uint64_t> weights);

/// The steps behind step `begin` up to and with step `end`.
struct StepRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Samples by group of stage `index`, which has `steps`. `num_sequences`: of each group. Adds to `mistakes` what cannot
/// be; the counts are then of no use.
std::vector<std::uint64_t> stage_counts(const configs::TrainRecipe& recipe, int index, const configs::BatchPlan& plan,
                                        const StepRange& steps, std::span<const std::uint64_t> num_sequences,
                                        std::vector<std::string>& mistakes);

/// The whole number nearest to `times` * `count`; halves go up.
std::uint64_t rounded_product(double times, std::uint64_t count);

}  // namespace reprise::data
