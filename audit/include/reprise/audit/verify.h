#pragma once
// Checks a finished run from its files, without computing anything again: every digest, the chain of checkpoints, the
// agreement of log and checkpoints, the root.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "reprise/core/hash.h"

namespace reprise::audit {

/// One claim of a run and whether its files bear it out.
struct Claim {
  std::string name;    // "checkpoints", "run.log agrees with checkpoints", ...
  bool holds = false;
  std::string detail;  // what was compared, or what differs
};

struct Verdict {
  std::vector<Claim> claims;
  std::vector<std::string> not_checked;  // what files alone cannot show
  std::optional<Digest> root;            // of the files, when they could all be read
  bool holds() const;
};

/// Verifies RUN. A damaged or missing file is a claim that does not hold, not an exception; throws kUsage/kIo only when
/// run_dir is no run folder at all.
Verdict verify_run(const std::filesystem::path& run_dir);

}  // namespace reprise::audit
