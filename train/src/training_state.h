#pragma once
// Everything a run's future depends on, as one rank holds it.

#include <vector>

#include "reprise/checkpoints/checkpoint.h"
#include "reprise/core/tensor_layout.h"
#include "spike_window.h"

namespace reprise::train {

struct TrainingState {
  checkpoints::Header header;         // step, loader position, powers of beta, root of the last scheduled checkpoint
  std::vector<float> weights;         // all of the layout; every rank has them
  ChunkRange slice;                   // the chunks whose moments this rank holds
  std::vector<float> first_moments;   // of the slice
  std::vector<float> second_moments;  // of the slice
  checkpoints::StateDigests digests;  // of all chunks; every rank has them
  SpikeWindow spikes;                 // empty without train.spike_skipping; run.log has it, not the checkpoint
};

}  // namespace reprise::train
