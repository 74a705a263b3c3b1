#pragma once
// Steps of a run again, in a folder of their own: every record must be the bytes that run.log holds.

#include <cstdint>
#include <filesystem>
#include <optional>

#include "reprise/checkpoints/checkpoint.h"
#include "reprise/core/progress.h"
#include "reprise/train/trainer.h"
#include "run_folder.h"

namespace reprise::train {

struct ReplayOptions {
  std::uint64_t from = 0;  // the replay begins with the last whole checkpoint with moments up to this step
  std::uint64_t to = 0;
  int num_threads = 1;
  ComputeSettings compute;
  bool save_last_state = false;  // in the folder's checkpoints, with moments
  StepObserver* observer = nullptr;
};

struct Replayed {
  std::optional<checkpoints::CheckpointInfo> start;  // nothing: the beginning
  std::uint64_t first_step = 0;                      // that of the start
  int stopped_by_signal = 0;
};

/// The state digest that the log of `run` holds for `step`; nothing for the step it begins behind. Throws kCheckpoint
/// when `run` holds no run or its log not that step.
std::optional<Digest> logged_state(const RunFolder& run, std::uint64_t step);

/// Throws kCheckpoint when `run` holds no run or its log not the steps from `first` to `last`. The step that the log
/// begins behind is none: nothing led to it.
void require_steps(const RunFolder& run, std::uint64_t first, std::uint64_t last);

/// Replays steps of `run`, which is only read, in the empty folder `work`. One rank. Throws kCheckpoint when a step
/// comes out differently than before.
Replayed replay(const RunFolder& run, const RunFolder& work, const ReplayOptions& options, ProgressSink& progress);

}  // namespace reprise::train
