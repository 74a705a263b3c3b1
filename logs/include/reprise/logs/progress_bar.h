#pragma once
// Progress for people, on stderr: a bar with rate and ETA on a terminal, a line every few seconds in a log.

#include <memory>

#include "reprise/core/progress.h"

namespace reprise::logs {

/// Returns the sink that fits stderr. `quiet` shows nothing.
std::unique_ptr<ProgressSink> make_progress(bool quiet = false);

}  // namespace reprise::logs
