// Bits of training that are written down: other tests compare runs with one another, and none of them would notice that
// all of them had changed. Everything a step may contain is on: heads of 24 elements, seven grains, clipping, z-loss,
// skipped spikes, held-out losses.

#include <gtest/gtest.h>
#include <unistd.h>

#include "tiny_run.h"

namespace reprise::train {
namespace {

TEST(KnownBits, OfARunOfEveryPartOfAStepAreThoseOfTheContract) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("reprise_known_bits_" + std::to_string(::getpid()));
  make_tiny_data(folder);
  add_held_out(folder);
  const configs::RunConfig config =
      tiny_config({"model.hidden_size=48", "model.ffn_size=72", "train.batch_sequences=14", "train.clip_norm=0.5",
                   "train.z_loss=1e-4", "train.spike_skipping.window=7", "train.spike_skipping.sigma=0.1",
                   "train.evaluation.interval=5", "train.evaluation.sequences=14"});
  const TrainSummary summary = train_tiny(folder, 1, false, config);
  std::filesystem::remove_all(folder);
  // Of this program (contract version 1, candidate), the same on portable, AVX2 and AVX-512. A change of them is a
  // change of the contract, or a bug.
  EXPECT_EQ(summary.final_root.hex(), "27a104b67384e1879737cc63adcdb2da9e716b16849dedd2666984f051f83aec");
  EXPECT_EQ(summary.run_log.hex(), "197f8251ffbba3d044c8ecd8b93d5a19a35ba02d7b5b5ee1d7068e145b32a690");
}

}  // namespace
}  // namespace reprise::train
