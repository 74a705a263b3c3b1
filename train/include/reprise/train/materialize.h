#pragma once
// Any step of a run, by replay: hundreds of checkpoints are stored, every step can be had.

#include <cstdint>
#include <filesystem>
#include <string>

#include "reprise/core/hash.h"
#include "reprise/core/progress.h"
#include "reprise/train/compute_settings.h"

namespace reprise::train {

struct MaterializeOptions {
  std::filesystem::path run_dir;  // read, never written
  std::uint64_t step = 0;
  std::filesystem::path out;  // checkpoint file to write, with moments; replaced where it is there
  int num_threads = 1;
  ComputeSettings compute;
};

struct Materialized {
  std::string from;                // file name of the checkpoint that the replay began with, or "the beginning"
  std::uint64_t num_replayed = 0;  // steps
  Digest root;                     // of the checkpoint written
  Digest state;                    // its state digest: the one that run.log holds for the step
  int stopped_by_signal = 0;       // nothing was written
};

/// Computes the state after `step` again from the last whole checkpoint with moments before it that verifies, and
/// writes it as a checkpoint. Every replayed step must give the record that run.log holds, byte for byte, so the result
/// is checked against the log. Works in a folder beside `out`, which is removed. One rank. Throws kCheckpoint (the
/// replay gives another record; the log does not reach the step), kCorrupt, kData, kIo.
Materialized materialize(const MaterializeOptions& options, ProgressSink& progress);

}  // namespace reprise::train
