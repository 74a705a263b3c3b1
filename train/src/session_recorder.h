#pragma once
// What one session writes to session.log: where it ran, which grains each rank ran, how fast, how it ended. Rank 0
// writes; the others only say where they are.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "reprise/dist/communicator.h"
#include "reprise/logs/session_log.h"
#include "reprise/train/trainer.h"
#include "step.h"

namespace reprise::train {

struct SessionStart {
  bool resumed = false;
  std::uint64_t step = 0;
  std::string from;    // checkpoint file, when resumed
  std::string parent;  // "NAME at step N", when the run goes on from another one
  std::int64_t num_grains = 0;
  double model_flops_per_token = 0;
  int num_threads = 1;
  std::string device = "cpu";  // that computes grains, with its model and versions
  std::string exchange;        // where what ranks exchange lies, "gpus" or "hosts"; empty for one rank
  Program program;
};

/// Where the first rank's time goes beside a step itself. The sums since the session began.
struct SideSeconds {
  double data = 0;              // reading batches
  double checkpoint_wait = 0;   // steps held up by checkpoints
  double checkpoint_write = 0;  // spent writing them, in the background or not
};

class SessionRecorder {
 public:
  /// Writes the start and one rank event per rank. Collective.
  SessionRecorder(const std::filesystem::path& path, const SessionStart& start, dist::Communicator& communicator);

  /// Counts a step; writes figures every kStepsPerEvent steps.
  void step(const StepOutcome& outcome, const SideSeconds& side);
  void checkpoint(std::uint64_t step, const Digest& root, const std::string& file);
  void signal(std::uint64_t step, int signal_number, const std::string& file);
  /// Writes the last figures and the end.
  void end(std::uint64_t step, double seconds, double tokens_per_second);
  /// Writes that the session failed; never throws.
  void failure(std::uint64_t step, const std::string& message) noexcept;

 private:
  static constexpr std::uint64_t kStepsPerEvent = 20;
  void write_ranks(const SessionStart& start, dist::Communicator& communicator);
  void write_figures();

  std::optional<logs::SessionLogWriter> log_;  // rank 0 only
  logs::SessionEvent figures_;                 // sums since the last step event
  std::uint64_t steps_ = 0;
  std::uint64_t tokens_ = 0;
  double model_flops_per_token_ = 0;
  SideSeconds side_;       // so far
  SideSeconds side_then_;  // at the last step event
  std::chrono::steady_clock::time_point last_event_ = std::chrono::steady_clock::now();
};

}  // namespace reprise::train
