#pragma once
// What a child may not change, and whether it goes on in its parent's order of data.

#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"

namespace reprise::train {

/// Everything in which `child` differs from `parent` and must not, as "model.hidden_size: 32 -> 64". Both resolved.
std::vector<std::string> forbidden_changes(const configs::Recipe& parent, const configs::Recipe& child);

/// What the child's config says of the lineage and --from, which fills in `made`, does not: "parent.step: 3, not 12".
/// `inherited`: the parent's own lineage, which a copy of its recipe may still hold.
std::vector<std::string> other_lineage(const configs::Parent& given, const configs::Parent& inherited,
                                       const configs::Parent& made);

/// Whether `child` reads behind `step` what `parent` would have read: the first field that says otherwise, or an empty
/// text. Both resolved; on the same shards.
std::string changed_order(const configs::Recipe& parent, const configs::Recipe& child, std::uint64_t step);

/// Whether documents or tokenizer would be built differently: the first field, or an empty text. Both resolved.
std::string changed_data(const configs::Recipe& parent, const configs::Recipe& child);

}  // namespace reprise::train
