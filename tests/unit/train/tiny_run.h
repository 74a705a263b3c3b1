#pragma once
// A run of a second for the trainer's tests: synthetic text, a vocabulary of 300, one layer of width 32.

#include <filesystem>
#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/dist/communicator.h"
#include "reprise/train/trainer.h"

namespace reprise::train {

/// 12 steps of 5 grains, checkpoints at 0, 1, 2, 3, 4, 6, 8, 9, 12, moments at 0, 6, 12.
configs::RunConfig tiny_config(const std::vector<std::string>& overrides = {});

/// Makes `folder` with tokenizer/ and shards/, and nothing else.
void make_tiny_data(const std::filesystem::path& folder);

/// Makes the documents that are trained on held-out ones too: what matters here is the arithmetic.
void add_held_out(const std::filesystem::path& folder);

/// Trains in `folder` with one rank.
TrainSummary train_tiny(const std::filesystem::path& folder, int num_threads, bool resume,
                        const configs::RunConfig& config = tiny_config(), ProgressSink* progress = nullptr);

/// Roots of the scheduled checkpoints in `folder`, by step.
std::vector<std::string> roots_in(const std::filesystem::path& folder);

/// A sink that asks for a stop after `step`.
class StopAt : public ProgressSink {
 public:
  StopAt(std::int64_t step, int signal_number) : step_(step), signal_number_(signal_number) {}
  void begin(std::string_view, std::int64_t, std::string_view) override {}
  void update(std::int64_t done, std::string_view) override;
  void end() override {}

 private:
  std::int64_t step_;
  int signal_number_;
};

}  // namespace reprise::train
