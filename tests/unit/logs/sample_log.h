#pragma once
// A small run.log for tests, and a folder that removes itself.

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "reprise/logs/run_log.h"

namespace reprise::logs {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "reprise-logs-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path operator/(const char* name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Writes a file anew, without the syncs of write_file_atomically, which cost more than the tests.
inline void overwrite(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::remove(path);  // ext4 flushes a file that is truncated and written again
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

inline RunHeader sample_header() {
  RunHeader header;
  header.run_name = "sample";
  header.recipe_hash = sha256("recipe");
  header.data_root = sha256("data");
  header.tokenizer = sha256("tokenizer");
  header.recipe_text = "name: \"sample\"\n";
  header.num_parameters = 1234;
  header.num_grains = 2;
  return header;
}

inline StepRecord sample_step(std::uint64_t step) {
  StepRecord record;
  record.step = step;
  record.first_sample = (step - 1) * 4;
  record.num_samples = 4;
  record.num_targets = 1020;
  record.tokens_seen = step * 1024;
  record.batch_hash = sha256("batch " + std::to_string(step));
  record.loss = 8.25 / static_cast<double>(step);
  record.z_loss = 1e-3 / static_cast<double>(step);
  record.grain_losses = {4000.1 + static_cast<double>(step), 4001.2};
  record.grain_z_losses = {70.5, 71.25};
  record.gradient_norm = 1.0 / 3;
  record.clip_factor = 0.1f;
  record.learning_rate = 1e-3f * static_cast<float>(step);
  record.state = sha256("state " + std::to_string(step));
  return record;
}

inline CheckpointRecord sample_checkpoint(std::uint64_t step) { return {step, sha256("root " + std::to_string(step))}; }

inline EvaluationRecord sample_evaluation(std::uint64_t step) {
  EvaluationRecord record;
  record.step = step;
  record.num_sequences = 64;
  record.num_targets = 16384;
  record.num_bytes = 60000;
  record.batch_hash = sha256("held out");
  record.loss = 3.25;
  record.bits_per_byte = 1.28125;
  return record;
}

/// A step whose gradient norm was a spike.
inline StepRecord skipped_step(std::uint64_t step) {
  StepRecord record = sample_step(step);
  record.skipped.emplace().gradient_norm_limit = 0.25;
  return record;
}

/// Writes header, checkpoint 0, steps 1 to `num_steps`, with checkpoints at even steps.
inline void write_sample_log(const std::filesystem::path& path, std::uint64_t num_steps) {
  RunLogWriter writer = RunLogWriter::create(path, sample_header());
  writer.append(sample_checkpoint(0));
  for (std::uint64_t step = 1; step <= num_steps; ++step) {
    writer.append(sample_step(step));
    if (step % 2 == 0) writer.append(sample_checkpoint(step));
  }
}

}  // namespace reprise::logs
