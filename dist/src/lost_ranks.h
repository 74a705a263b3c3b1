#pragma once
// The words for ranks that died or did not come, the same from every backend.

#include <chrono>
#include <span>
#include <string>

namespace reprise::dist {

// How the work goes on is for the verb to say.
inline constexpr char kLostRankHint[] = "look at the output of that rank";

inline constexpr char kMissingRanksHint[] =
    "see what these ranks do; longer steps or writes need a larger runtime.watchdog_seconds";

/// "ranks 1, 3 have not come for 600 s; rank 0 was waiting for them".
std::string missing_ranks_message(std::span<const int> missing, int rank, std::chrono::seconds patience);

}  // namespace reprise::dist
