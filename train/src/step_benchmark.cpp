#include "reprise/train/step_benchmark.h"

#include <chrono>

#include "batch.h"
#include "model_flops.h"
#include "reprise/core/error.h"
#include "reprise/core/thread_pool.h"
#include "reprise/data_pipeline/reading_order.h"
#include "reprise/dist/communicator.h"
#include "run_folder.h"
#include "training_model.h"

namespace reprise::train {

StepBenchmark bench_steps(const configs::RunConfig& config, const std::filesystem::path& folder, int num_threads,
                          const ComputeSettings& settings) {
  RunIdentity identity = identify(config);
  const data::TokenSet tokens = data::TokenSet::open(RunFolder(folder).shards(), "train");
  identity.data_root = tokens.root();
  const configs::TrainRecipe& recipe = identity.recipe.train();
  REPRISE_REQUIRE(recipe.batch_warmup_size() == 0, ErrorKind::kUsage,
                  "the recipe has train.batch_warmup, and steps of different sizes cannot be compared",
                  "time a run without it");
  const data::ReadingOrder order(tokens, identity.recipe);
  ThreadPool threads(num_threads);
  const auto communicator = dist::make_local_communicator();
  TrainingModel model(identity.recipe, settings, threads, *communicator);
  model.initialize(identity);

  StepBenchmark result;
  result.tokens_per_step = std::uint64_t{recipe.batch_sequences()} * recipe.sequence_length();
  result.num_parameters = model.layout().num_parameters();
  result.flops_per_step =
      static_cast<double>(result.tokens_per_step) * model_flops_per_token(identity.recipe, result.num_parameters);
  Batch batch;
  for (std::uint64_t step = 1; step <= recipe.num_steps(); ++step) {
    const auto start = std::chrono::steady_clock::now();
    read_batch(order, model.header().next_sample, recipe.batch_sequences(), batch);
    const StepOutcome outcome = model.run_step(step, batch);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    result.steps.push_back({seconds.count(), outcome.compute_seconds, outcome.update_seconds});
    result.last_step = step;
    result.state_digest = outcome.record.state;
  }
  result.peak_gradient_bytes = model.runner().peak_gradient_bytes();
  return result;
}

}  // namespace reprise::train
