#include "reprise/train/memory_plan.h"

#include <algorithm>
#include <bit>
#include <set>
#include <span>
#include <vector>

#include "reprise/configs/batch_plan.h"
#include "reprise/configs/profile.h"
#include "reprise/core/tensor_layout.h"
#include "reprise/dist/reduction_tree.h"
#include "reprise/model/gradient_sink.h"
#include "reprise/model/schema.h"

namespace reprise::train {
namespace {

constexpr std::int64_t kFloat = sizeof(float);
// Measured: LibTorch, HDF5, MPI and the program's own code and tables, of a run of one thread on a tiny model.
constexpr std::uint64_t kProgramBytes = 200'000'000;

std::uint64_t bytes(std::int64_t floats) { return static_cast<std::uint64_t>(floats * kFloat); }

/// Floats that one token of a pass keeps for the backward pass, and what the backward pass itself holds.
std::int64_t floats_per_token(const configs::ModelRecipe& model, std::int64_t recompute_layers) {
  const std::int64_t hidden = model.hidden_size();
  const std::int64_t ffn = model.ffn_size();
  const std::int64_t layers = model.num_layers();
  // Inputs of the two sublayers, q, k and v, q and k behind their rotation, the mixed values, the two outputs before
  // their norms; gate, up and their product.
  const std::int64_t layer = 10 * hidden + 3 * ffn;
  const std::int64_t working = 8 * hidden + 3 * ffn;
  if (recompute_layers == 0) return layers * layer + working;
  const std::int64_t pieces = (layers + recompute_layers - 1) / recompute_layers;
  return pieces * hidden + std::min(recompute_layers, layers) * layer + working;
}

/// Whole gradients that the tree holds at most (TreeAdder): those being filled, one for each level above, the sums.
std::int64_t whole_gradients(std::int64_t grains, std::int64_t at_once, std::int64_t sums) {
  const auto depth =
      static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(std::max<std::int64_t>(grains - 1, 0))));
  return std::min(grains, at_once + depth + sums - 1);
}

struct RankLoad {
  std::int64_t grains = 0;
  std::int64_t sums = 0;
};

/// Of the rank with most grains, and the most sums any rank ends with.
RankLoad largest_load(std::int64_t num_grains, int num_ranks) {
  RankLoad load;
  for (int rank = 0; rank < num_ranks; ++rank) {
    const dist::LeafRange mine = dist::leaves_of_rank(num_grains, rank, num_ranks);
    load.grains = std::max(load.grains, mine.size());
    if (mine.size() == 0) continue;
    load.sums = std::max(load.sums, static_cast<std::int64_t>(dist::maximal_subtrees(num_grains, mine).size()));
  }
  return load;
}

/// The parts of the gradient, as TrainingModel has them.
std::vector<ChunkRange> parts_of(const TensorLayout& layout, const configs::RunConfig& config, int num_ranks) {
  const configs::Runtime& runtime = config.runtime();
  const bool whole = runtime.device() != "cpu" && num_ranks == 1;
  return model::gradient_parts(layout, whole ? 0 : std::int64_t{runtime.bucket_kib()} * 1024 / kFloat);
}

std::int64_t gradient_floats(const TensorLayout& layout, std::span<const ChunkRange> parts,
                             const configs::Runtime& runtime, const RankLoad& load, int num_threads,
                             std::int64_t slice) {
  const std::int64_t at_once =
      std::min<std::int64_t>(load.grains, std::int64_t{num_threads} * runtime.grains_per_forward());
  const std::int64_t whole = whole_gradients(load.grains, at_once, load.sums) * layout.num_elements();
  if (parts.size() == 1) return whole;
  if (at_once < load.grains) return whole + slice;
  // One pass takes all grains: a part is freed before the next but one is taken.
  std::int64_t two_parts = 0;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i)
    two_parts = std::max(two_parts, parts[i].size() + parts[i + 1].size());
  return std::min(whole, load.grains * two_parts * kChunkElements) + slice;
}

/// Floats beside the pass of `grains` grains on a GPU: logits of the head and slopes of attention, both in pieces.
std::int64_t operator_floats(const configs::Recipe& recipe, std::int64_t sequences) {
  constexpr std::int64_t kMostLogits = (std::int64_t{512} << 20) / kFloat,
                         kMostSlopes = (std::int64_t{256} << 20) / kFloat;
  const std::int64_t length = recipe.train().sequence_length();
  const std::int64_t vocab = recipe.tokenizer().vocab_size();
  const std::int64_t heads = recipe.model().num_heads();
  return std::min(kMostLogits, configs::sequences_per_leaf(recipe) * length * vocab) +
         std::min(kMostSlopes, sequences * heads * length * length);
}

/// Floats of the tree on a GPU that gets `at_once` grains from a pass.
std::int64_t tree_floats(const TensorLayout& layout, std::span<const ChunkRange> parts, const RankLoad& load,
                         std::int64_t at_once) {
  if (parts.size() == 1 || at_once < load.grains) {
    return whole_gradients(load.grains, at_once, load.sums) * layout.num_elements();
  }
  // One pass takes all grains. The sums stay until the step ends; the other blocks serve the next part of their size.
  std::int64_t floats = 0;
  std::set<std::int64_t> sizes;
  for (const ChunkRange& part : parts) {
    const bool is_first = sizes.insert(part.size()).second;
    floats += (is_first ? load.grains : load.sums) * part.size() * kChunkElements;
  }
  return floats;
}

/// Floats on the GPU under native, whose passes take a leaf of the tree at a time and write its gradient where the tree
/// wants it.
std::int64_t native_gpu_floats(const configs::Recipe& recipe, const configs::Runtime& runtime,
                               const TensorLayout& layout, std::span<const ChunkRange> parts, const RankLoad& load,
                               std::int64_t slice) {
  constexpr std::int64_t kMostLogits = std::int64_t{1} << 29;  // that native_ops has at once
  const std::int64_t operands_per_float = recipe.native().dtype() == "bfloat16" ? 2 : 1;
  const auto as_floats = [&](std::int64_t operands) {
    return (operands + operands_per_float - 1) / operands_per_float;
  };
  const std::int64_t tokens = std::int64_t{configs::sequences_per_leaf(recipe)} * recipe.train().sequence_length();
  const std::int64_t vocab = recipe.tokenizer().vocab_size();
  const std::int64_t hidden = recipe.model().hidden_size();
  const std::int64_t state = 2 * slice + (slice < layout.num_elements() ? slice : 0);
  const std::int64_t weights = layout.num_elements() + (operands_per_float == 1 ? 0 : as_floats(layout.num_elements()));
  // Plain products keep the scores of all kept layers and their softmax; flash attention keeps neither.
  const bool flash = operands_per_float == 2 && !recipe.train().document_mask();
  const std::int64_t layers = recipe.model().num_layers(), recompute = runtime.recompute_layers();
  const std::int64_t scores = flash ? 0
                                    : 2 * (recompute == 0 ? layers : std::min(recompute, layers)) * tokens *
                                          recipe.model().num_heads() * recipe.train().sequence_length();
  // Float32 beside what floats_per_token() counts as operands.
  const std::int64_t inputs = recompute == 0 ? 0 : (layers + recompute - 1) / recompute * tokens * hidden;
  // Logits and the head's gradient, in the operands' type; the residual stream where the backward pass needs it.
  const std::int64_t head = as_floats(std::min(kMostLogits, tokens * vocab) + vocab * hidden) + tokens * hidden;
  return weights + state + tree_floats(layout, parts, load, 1) +
         as_floats(tokens * floats_per_token(recipe.model(), recompute)) + inputs - as_floats(inputs) + scores + head;
}

/// Floats on the GPU of the rank with `load`.
std::int64_t gpu_floats(const configs::Recipe& recipe, const configs::Runtime& runtime, const TensorLayout& layout,
                        std::span<const ChunkRange> parts, const RankLoad& load, std::int64_t slice) {
  if (configs::is_native(recipe)) return native_gpu_floats(recipe, runtime, layout, parts, load, slice);
  const std::int64_t at_once = std::min<std::int64_t>(load.grains, runtime.grains_per_forward());
  const std::int64_t rest = at_once == 0 ? 0 : load.grains % at_once;  // a recording with memory of its own
  std::int64_t largest_part = 0;
  for (const ChunkRange& part : parts) largest_part = std::max(largest_part, part.size() * kChunkElements);
  const std::int64_t sequences = configs::sequences_per_leaf(recipe);
  const std::int64_t tokens = (at_once + rest) * sequences * recipe.train().sequence_length();
  // Moments, and the gradient that ranks have exchanged.
  const std::int64_t state = 2 * slice + (slice < layout.num_elements() ? slice : 0);
  return layout.num_elements() + state + (at_once + rest) * largest_part + tree_floats(layout, parts, load, at_once) +
         tokens * floats_per_token(recipe.model(), runtime.recompute_layers()) +
         operator_floats(recipe, at_once * sequences);
}

}  // namespace

MemoryPlan plan_memory(const configs::RunConfig& config, int num_ranks, int num_threads, bool between_gpus) {
  const configs::Recipe& recipe = config.recipe();
  const configs::TrainRecipe& train = recipe.train();
  const TensorLayout layout =
      model::parameter_layout(recipe.model(), recipe.tokenizer().vocab_size(), train.adamw().decay_embeddings());
  const std::int64_t sequences_per_grain = configs::sequences_per_leaf(recipe);
  const std::int64_t num_grains = train.batch_sequences() / sequences_per_grain;
  const RankLoad load = largest_load(num_grains, num_ranks);
  const std::int64_t slice = chunk_slice(layout.num_chunks(), 0, num_ranks).size() * kChunkElements;
  MemoryPlan plan;
  plan.weights = bytes(layout.num_elements());
  plan.moments = bytes(2 * slice);
  const std::vector<ChunkRange> parts = parts_of(layout, config, num_ranks);
  plan.gradients = bytes(gradient_floats(layout, parts, config.runtime(), load, num_threads, slice));
  const auto received = [&](const RankLoad& of) { return slice * of.sums * (num_ranks - 1); };
  if (num_ranks > 1) plan.exchange = bytes(received(load) + slice);
  const std::int64_t passes = std::min<std::int64_t>(load.grains, num_threads);
  const std::int64_t grains = std::min<std::int64_t>(
      load.grains, passes * (configs::is_native(recipe) ? 1 : config.runtime().grains_per_forward()));
  plan.activations = bytes(grains * sequences_per_grain * train.sequence_length() *
                           floats_per_token(recipe.model(), config.runtime().recompute_layers()));
  if (config.runtime().device() != "cpu") {
    for (const std::uint32_t sequences : configs::BatchPlan(train).sizes()) {  // each with passes of its own
      const RankLoad of_size = largest_load(sequences / sequences_per_grain, num_ranks);
      plan.gpu = std::max(plan.gpu, bytes(gpu_floats(recipe, config.runtime(), layout, parts, of_size, slice) +
                                          (between_gpus ? received(of_size) : 0)));
    }
    plan.gradients = bytes(load.sums * layout.num_elements() + (parts.size() > 1 ? slice : 0));
    if (num_ranks == 1 || between_gpus) plan.gradients = 0;
    if (between_gpus) plan.exchange = 0;
    plan.activations = 0;
  }
  plan.checkpoint = bytes(slice) + plan.moments;
  plan.program = kProgramBytes;
  return plan;
}

}  // namespace reprise::train
