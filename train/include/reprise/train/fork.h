#pragma once
// A new run from a step of another one (docs/reference/forks.md): continued pre-training, annealing, ablations. The
// child's recipe names its parent (recipe.parent), and the root of the parent's checkpoint is in the child's chain.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/hash.h"
#include "reprise/core/progress.h"
#include "reprise/data_pipeline/mixture.h"
#include "reprise/dist/communicator.h"

namespace reprise::train {

struct ForkOptions {
  std::filesystem::path parent;        // run folder, read alone
  std::uint64_t step = 0;              // of the parent
  std::filesystem::path config;        // of the child; empty: the parent's recipe
  std::vector<std::string> overrides;  // as of load_config
  std::filesystem::path child;         // its run folder; shards and tokenizer that are there are taken as its own
};

/// Returns the child's config with recipe.parent filled in; parent.root is that of a stored checkpoint, or zeros where
/// the step has to be computed again. Reads files and writes none. Throws kCheckpoint when the parent is no run or does
/// not have the step, kConfig with every mistake of the config, kConfig with every reason why the child cannot go on
/// from the parent.
configs::RunConfig plan_fork(const ForkOptions& options);

struct ForkResult {
  configs::RunConfig config;  // with the parent's root
  int stopped_by_signal = 0;  // nothing can be trained yet
};

/// Fills the child's folder: shards, tokenizer and documents of the parent where the child has none of its own, and
/// parent.h5, the parent's checkpoint with moments, by replay where it is not stored. `config` comes from plan_fork().
/// Collective; rank 0 does it. Afterwards train() starts the child. Throws kCheckpoint when the folder holds a run.
ForkResult prepare_fork(const ForkOptions& options, const configs::RunConfig& config, int num_threads,
                        dist::Communicator& communicator, ProgressSink& progress);

/// Checks that the run in folder `child` goes on from the run that its recipe names: parent.h5 against the recipe, the
/// child's first checkpoint against parent.h5, and, unless `parent` is empty, parent.h5 against the log and the
/// checkpoints of the run in `parent`. Computes nothing again. Returns what is wrong; nothing for a run without parent.
std::vector<std::string> verify_link(const std::filesystem::path& child, const std::filesystem::path& parent);

/// The root that a run's first checkpoint must name as the one before it: its parent's, or zeros.
Digest root_before(const configs::Recipe& recipe);

/// The step behind which a run begins: its parent's, or 0.
std::uint64_t first_step(const configs::Recipe& recipe);

/// Where the run in folder `run` begins to read. Throws kCheckpoint when it goes on from another run whose checkpoint
/// is not in the folder.
data::DataStart data_start(const std::filesystem::path& run, const configs::Recipe& recipe);

}  // namespace reprise::train
