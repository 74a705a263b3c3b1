#pragma once
// What a mixture comes to, for readers: sizes of groups, and what each stage reads of them.

#include <string>

#include "reprise/data_pipeline/reading_order.h"

namespace reprise::data {

/// Documents, tokens and sequences of each group.
std::string group_table(const DocumentGroups& groups);
/// For each stage and group: what the recipe asks for, sequences, tokens, share of the stage, epochs in the stage and
/// since the start.
std::string stage_table(const ReadingOrder& order, const configs::TrainRecipe& recipe);
/// Both as JSON.
std::string mixture_json(const ReadingOrder& order, const configs::TrainRecipe& recipe);

}  // namespace reprise::data
