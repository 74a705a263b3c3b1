#pragma once
// Times the trainer's own optimizer step on generated text. Nothing is stored beside what `train` would need to run the
// same recipe: the run folder can be kept, and `reprise train` there logs the same state digests.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/hash.h"
#include "reprise/core/progress.h"
#include "reprise/train/compute_settings.h"

namespace reprise::train {

/// Sizes of a decoder and of its batch.
struct StepShape {
  std::uint32_t hidden_size = 256;
  std::uint32_t num_layers = 6;
  std::uint32_t num_heads = 4;
  std::uint32_t ffn_size = 768;
  std::uint32_t vocab_size = 8192;
  std::uint32_t sequence_length = 256;
  std::uint32_t batch_sequences = 16;
};

/// Returns a config of that shape with `num_steps` steps and constant everything else. Throws kConfig with every
/// mistake.
configs::RunConfig benchmark_config(const StepShape& shape, std::uint32_t grain_sequences, std::uint32_t num_steps);

/// Fills `folder` with generated text, a tokenizer and shards for `config`: enough for two batches. A function of
/// `config` alone.
void make_synthetic_data(const configs::RunConfig& config, const std::filesystem::path& folder);

struct StepTimes {
  double seconds = 0;
  double compute_seconds = 0;  // grains: forward, backward, the lower part of the tree
  double update_seconds = 0;   // end of the tree, norm, AdamW, digests
};

struct StepBenchmark {
  std::vector<StepTimes> steps;  // in order; the first ones warm up
  std::uint64_t tokens_per_step = 0;
  std::int64_t num_parameters = 0;
  std::int64_t peak_gradient_bytes = 0;  // of gradients in use at once
  double flops_per_step = 0;  // 6 per weight of a product and token, 12 per allowed pair, head element and layer
  std::uint64_t last_step = 0;
  Digest state_digest;  // after last_step, as run.log has it
};

/// Runs train.num_steps steps of `config` on the shards in `folder` from the initial weights, in this process.
StepBenchmark bench_steps(const configs::RunConfig& config, const std::filesystem::path& folder, int num_threads,
                          const ComputeSettings& settings);

}  // namespace reprise::train
