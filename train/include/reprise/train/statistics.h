#pragma once
// Statistics of weights, gradients, moments, updates and activations of any step of a finished run, by replay
// (docs/reference/statistics.md).

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "reprise/core/hash.h"
#include "reprise/core/progress.h"
#include "reprise/train/compute_settings.h"

namespace reprise::train {

/// How many values are spread, in binary64 and in one order whatever the threads.
struct Spread {
  std::uint64_t count = 0;
  double mean = 0;
  double standard_deviation = 0;  // of the values, not of a sample of more
  double rms = 0;
  double max_abs = 0;
};

struct TensorStatistics {
  std::string name;
  Spread weights;        // after the step
  Spread gradient;       // of the step: the mean over the batch, before clipping
  Spread first_moments;  // after the step
  Spread second_moments;
  Spread update;  // weights after the step minus those before it
};

struct ActivationStatistics {
  std::string name;  // as model::Decoder::observe() names them
  Spread values;     // of the step's batch, by the weights before the step
};

struct StepStatistics {
  std::uint64_t step = 0;
  double loss = 0;
  double gradient_norm = 0;
  Digest state;  // after the step, as run.log has it
  std::vector<TensorStatistics> tensors;
  std::vector<ActivationStatistics> activations;
};

struct StatisticsOptions {
  std::filesystem::path run_dir;  // read, never written
  std::uint64_t first_step = 1;
  std::uint64_t last_step = 1;
  std::uint64_t every = 1;  // first_step, first_step + every, ... up to last_step
  bool activations = true;
  std::filesystem::path work;  // folder for the replay; removed afterwards
  int num_threads = 1;
  ComputeSettings compute;
};

/// Replays the run from the last whole checkpoint with moments before first_step and calls `visit` with each step
/// asked for. Every replayed step must give the record in run.log. One rank. Returns 0, or the signal that stopped it.
/// Throws kCheckpoint when the log does not hold the steps or a step comes out differently.
int collect_statistics(const StatisticsOptions& options, const std::function<void(const StepStatistics&)>& visit,
                       ProgressSink& progress);

}  // namespace reprise::train
