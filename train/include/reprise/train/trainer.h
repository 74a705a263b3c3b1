#pragma once
// The training loop: data order, grains on threads and ranks, tree reduction, AdamW on slices, checkpoints, logs,
// resume.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/hash.h"
#include "reprise/core/progress.h"
#include "reprise/dist/communicator.h"
#include "reprise/train/compute_settings.h"

namespace reprise::train {

class StepObserver;  // train/src/step_observer.h

/// What computes a run, as session.log names it; empty where nobody says.
struct Program {
  std::string version;
  std::string commit;
  std::vector<std::string> command_line;
};

struct TrainOptions {
  std::filesystem::path run_dir;  // shards/ and tokenizer/ of the run are read from here; checkpoints/ and logs go here
  int num_threads = 1;
  ComputeSettings compute;
  std::chrono::seconds watchdog{0};  // runtime.watchdog_seconds: 0 waits for ever
  bool resume = false;               // continue run_dir from its latest resumable checkpoint
  bool without_checkpoint = false;   // and, of a run that had some and has none, from the beginning (replays)
  std::optional<std::uint64_t> stop_after_step;  // end early, as if finished there (for replays, tests and benchmarks)
  bool save_whole_last_state = false;            // store the moments of the last step, scheduled or not
  std::filesystem::path device_log;  // the session log whose device a resumed native run must have; empty: its own
  StepObserver* observer = nullptr;  // sees every step from inside; one rank alone
  Program program;                   // for session.log
};

struct TrainSummary {
  std::uint64_t first_step = 0;  // step resumed from
  std::uint64_t last_step = 0;
  double seconds = 0;
  double tokens_per_second = 0;
  double final_loss = 0;
  Digest final_root;          // of the last scheduled checkpoint
  Digest run_log;             // chain of run.log
  int stopped_by_signal = 0;  // a recovery checkpoint was saved
};

/// Trains, collectively on all ranks of `communicator`. Throws kCheckpoint when run_dir belongs to another recipe or
/// already holds a run and `resume` is false, kConfig when a parameter group names no tensor, kNumeric on NaN or Inf
/// (tensor, step, documents of the batch).
TrainSummary train(const configs::RunConfig& config, const TrainOptions& options, dist::Communicator& communicator,
                   ProgressSink& progress);

/// Learning rate of step s (1-based) by the recipe's schedule, binary64 rounded once.
float learning_rate(const configs::TrainRecipe& recipe, std::uint64_t step);
/// The same before it is rounded, for tensors whose group scales it.
double unrounded_learning_rate(const configs::TrainRecipe& recipe, std::uint64_t step);

/// Steps of the warm-up, which the recipe may give in tokens.
std::uint64_t warmup_steps(const configs::TrainRecipe& recipe);

}  // namespace reprise::train
