#pragma once
// Averages of checkpoints as recorded recipes: uniform and weighted soups, and exponential averages over stored
// checkpoints. The sum has one order and one rounding (docs/numeric_contract.md, [C-50]), the file names its sources by
// root, and its root commits to both, so that anyone who has the sources can compute it again.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reprise/checkpoints/checkpoint.h"

namespace reprise::checkpoints {

struct AverageSource {
  Digest root;
  std::uint64_t step = 0;
  double weight = 1;
  std::string place;  // the file that was read, or RUN@STEP of a replay; a hint for whoever computes it again, not in
                      // the root
};

struct AverageRecipe {
  std::string kind;  // "uniform", "weighted" or "ema": what chose the weights
  std::vector<AverageSource> sources;
};

/// The weights that an exponential average over `count` checkpoints comes to, oldest first: (1 - decay) decay^(n - 1 -
/// i), by repeated multiplication, and decay^(n - 1) for the oldest.
std::vector<double> ema_weights(std::size_t count, double decay);

/// The root of an average: merkle_root over [its recipe with the header's hash, every weight tensor digest].
Digest average_root(const AverageRecipe& recipe, const Header& header, const TensorLayout& layout,
                    std::span<const Digest> weight_digests);

/// An average as read back: its header is that of the source of the highest step; digests of moments are empty.
struct LoadedAverage {
  AverageRecipe recipe;
  LoadedCheckpoint model;
};

/// Throws kUsage for a place that a file cannot keep: they are stored one on a line.
void require_one_line(const std::string& place);

/// Averages the checkpoints at `recipe.sources[i].place` and fills in their roots and steps. Holds one of them and the
/// sums at a time. Throws kCheckpoint when they are not of one model: in their tensors and
/// in what their recipes say of its function.
LoadedAverage average_checkpoints(AverageRecipe recipe);

/// The parts of it, for averages over states that are not stored: adds weight * values to the sums of all sources
/// before.
void add_to_average(std::span<double> sums, std::span<const float> values, double weight);
/// Divides the sums by the sum of the recipe's weights, rounds once and makes the average. `info`: of the source of the
/// highest step.
LoadedAverage finish_average(AverageRecipe recipe, const CheckpointInfo& info, const TensorLayout& layout,
                             std::span<const double> sums);

/// Writes an average, atomically; the bytes are a function of its content. Returns its root.
Digest write_average(const std::filesystem::path& path, const LoadedAverage& average);

/// Whether a file says that it is an average. read_checkpoint() refuses those: a run neither lists nor resumes from
/// one.
bool is_average(const std::filesystem::path& path);

/// What an average says that it is made of; nothing for a checkpoint. Not verified: reading its weights does that.
std::optional<AverageRecipe> stated_recipe(const std::filesystem::path& path);

/// Throws kUsage unless the steps of these checkpoint files do not fall: an exponential average takes their order for
/// age. Equal steps are of several runs.
void require_oldest_first(std::span<const std::string> files);

/// Reads and verifies an average against its digests and root. Throws kCorrupt.
LoadedAverage read_average(const std::filesystem::path& path);

struct Recomputation {
  bool same = false;    // bit for bit
  std::string missing;  // which source is not at its place, or another file by now; then nothing was computed
};

/// Computes an average again from the sources that it names.
Recomputation recompute(const LoadedAverage& average);

/// Reads a checkpoint or an average, for those who want weights alone.
LoadedCheckpoint read_model(const std::filesystem::path& path);

}  // namespace reprise::checkpoints
