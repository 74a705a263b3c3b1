#pragma once
// Which steps of a run are stored: a function of the recipe alone. Training writes them, evaluation chooses among them.

#include <cstdint>
#include <vector>

#include "reprise/configs/config.pb.h"

namespace reprise::configs {

/// Steps at which a checkpoint is scheduled, ascending: 0, the geometric ones (powers of two), multiples of the
/// interval in steps and in tokens, the listed ones, the last step.
std::vector<std::uint64_t> checkpoint_steps(const TrainRecipe& recipe);

/// The same for a run that may go on from another one: the parent's step, and those behind it.
std::vector<std::uint64_t> checkpoint_steps(const Recipe& recipe);

/// A bound of their number, without making them: a step counts for each rule that names it.
std::uint64_t most_checkpoint_steps(const TrainRecipe& recipe);

/// Whether the scheduled checkpoint of `step` stores the moments: an anchor from which training can go on.
bool is_anchor(const TrainRecipe& recipe, std::uint64_t step);
/// The same for a run that may go on from another one: the parent's step too.
bool is_anchor(const Recipe& recipe, std::uint64_t step);

}  // namespace reprise::configs
