#pragma once
// Memory of one rank, before it is used: what each part of training holds at most. Checked against runs in
// docs/benchmarks.md.

#include <cstdint>

#include "reprise/configs/config.pb.h"

namespace reprise::train {

/// Bytes of the rank that holds most.
struct MemoryPlan {
  std::uint64_t weights = 0;      // every rank holds all of them
  std::uint64_t moments = 0;      // of the rank's slice
  std::uint64_t gradients = 0;    // buffers of the tree and, with buckets, the slice of the sum
  std::uint64_t exchange = 0;     // what other ranks send, and the slice that goes out
  std::uint64_t activations = 0;  // of the passes that run at once; of the exact profile
  std::uint64_t checkpoint = 0;   // the copy of the rank's slice that is written beside the next steps
  std::uint64_t program = 0;      // program and libraries, about
  /// On the GPU of a rank, where runtime.device names one: weights, gradients and activations of its passes, the tree,
  /// what operators need beside. Then the host holds no activations, and of gradients the sums of the rank, in
  /// memory that is pinned, and with buckets the slice. Where ranks exchange between their GPUs, what other ranks send
  /// is here, and the host holds no gradients either.
  std::uint64_t gpu = 0;
  /// Of the host.
  std::uint64_t total() const { return weights + moments + gradients + exchange + activations + checkpoint + program; }
};

/// `config` is resolved. `num_threads`: of each rank. `between_gpus`: ranks on GPUs exchange between their memories.
MemoryPlan plan_memory(const configs::RunConfig& config, int num_ranks, int num_threads, bool between_gpus = false);

}  // namespace reprise::train
