#include "reprise/train/replay_average.h"

#include "replay.h"
#include "reprise/checkpoints/average.h"
#include "reprise/core/error.h"
#include "reprise/core/scratch_folder.h"
#include "reprise/core/thread_pool.h"
#include "step_observer.h"

namespace reprise::train {
namespace {

constexpr std::int64_t kBlock = std::int64_t{1} << 16;  // elements that one thread adds at a time

class AverageObserver : public StepObserver {
 public:
  explicit AverageObserver(const ReplayAverageOptions& options) : options_(options), threads_(options.num_threads) {
    const auto count = static_cast<std::size_t>(options.last_step - options.first_step + 1);
    recipe_.kind = "ema";
    weights_ = checkpoints::ema_weights(count, options.decay);
  }

  void before(std::uint64_t, const TrainingModel&, const Batch&) override {}
  bool wants_gradient(std::uint64_t) const override { return false; }
  void gradient(std::uint64_t, std::span<const float>) override {}

  void after(const logs::StepRecord& record, const TrainingModel& model) override {
    if (record.step < options_.first_step) return;
    const TrainingState& state = model.state();
    const double weight = weights_[static_cast<std::size_t>(record.step - options_.first_step)];
    info_.header = state.header;
    info_.root = checkpoints::checkpoint_root(state.header, model.layout(), state.digests);
    layout_ = model.layout();
    recipe_.sources.push_back(
        {info_.root, record.step, weight, fmt::format("{}@{}", options_.run_dir.string(), record.step)});
    sums_.resize(state.weights.size());
    const auto size = static_cast<std::int64_t>(sums_.size());
    threads_.parallel_for((size + kBlock - 1) / kBlock, [&](std::int64_t block) {
      const auto begin = static_cast<std::size_t>(block * kBlock);
      const std::size_t count = std::min(static_cast<std::size_t>(kBlock), sums_.size() - begin);
      checkpoints::add_to_average(std::span(sums_).subspan(begin, count),
                                  std::span<const float>(state.weights).subspan(begin, count), weight);
    });
  }

  checkpoints::LoadedAverage finish() const { return checkpoints::finish_average(recipe_, info_, layout_, sums_); }

 private:
  ReplayAverageOptions options_;
  ThreadPool threads_;
  std::vector<double> weights_;  // of the steps
  checkpoints::AverageRecipe recipe_;
  checkpoints::CheckpointInfo info_;  // of the last step
  TensorLayout layout_;
  std::vector<double> sums_;
};

}  // namespace

ReplayAverage average_by_replay(const ReplayAverageOptions& options, ProgressSink& progress) {
  REPRISE_REQUIRE(options.first_step >= 1 && options.first_step <= options.last_step, ErrorKind::kUsage,
                  fmt::format("there are no steps {} to {}", options.first_step, options.last_step),
                  "steps begin with 1: --from A --to B with A at most B");
  checkpoints::require_one_line(options.run_dir.string());
  const RunFolder run(options.run_dir);
  require_steps(run, options.first_step, options.last_step);
  AverageObserver observer(options);
  const ScratchFolder work(scratch_path(options.out));
  ReplayOptions replay_options;
  replay_options.from = options.first_step - 1;
  replay_options.to = options.last_step;
  replay_options.num_threads = options.num_threads;
  replay_options.compute = options.compute;
  replay_options.observer = &observer;
  const Replayed replayed = replay(run, RunFolder(work.path() / "run"), replay_options, progress);
  if (replayed.stopped_by_signal != 0) return {{}, 0, replayed.stopped_by_signal};
  const checkpoints::LoadedAverage average = observer.finish();
  return {checkpoints::write_average(options.out, average), average.recipe.sources.size(), 0};
}

}  // namespace reprise::train
