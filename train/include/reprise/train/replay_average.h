#pragma once
// The exponential average over the weights of every step of a range, by replay: exact, of any finished run, though most
// of the steps are not stored (docs/reference/checkpoints.md).

#include <cstdint>
#include <filesystem>

#include "reprise/core/hash.h"
#include "reprise/core/progress.h"
#include "reprise/train/compute_settings.h"

namespace reprise::train {

struct ReplayAverageOptions {
  std::filesystem::path run_dir;  // read, never written
  double decay = 0.999;
  std::uint64_t first_step = 1;  // weights behind this step are the oldest in the average
  std::uint64_t last_step = 1;
  std::filesystem::path out;  // an average, as `reprise checkpoint average` writes it
  int num_threads = 1;
  ComputeSettings compute;
};

struct ReplayAverage {
  Digest root;
  std::uint64_t num_steps = 0;
  int stopped_by_signal = 0;  // nothing was written
};

/// Replays the run and writes the average with all its sources: the root that each step's checkpoint has, stored or
/// materialized, and its weight. The same file as the average of all those checkpoints. Every replayed step must give
/// the record in run.log. One rank. Throws kUsage, kCheckpoint, kIo.
ReplayAverage average_by_replay(const ReplayAverageOptions& options, ProgressSink& progress);

}  // namespace reprise::train
