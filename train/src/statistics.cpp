#include "reprise/train/statistics.h"

#include "replay.h"
#include "reprise/configs/config.h"
#include "reprise/configs/profile.h"
#include "reprise/core/error.h"
#include "reprise/core/scratch_folder.h"
#include "reprise/core/thread_pool.h"
#include "reprise/logs/run_log.h"
#include "spread.h"
#include "step_observer.h"

namespace reprise::train {
namespace {

using Visit = std::function<void(const StepStatistics&)>;

class StatisticsObserver : public StepObserver {
 public:
  StatisticsObserver(const StatisticsOptions& options, const configs::Recipe& recipe, Visit visit)
      : options_(options),
        sequences_per_grain_(configs::sequences_per_leaf(recipe)),
        visit_(std::move(visit)),
        threads_(options.num_threads) {}

  void before(std::uint64_t step, const TrainingModel& model, const Batch& batch) override {
    layout_ = &model.layout();
    if (!is_wanted(step)) return;
    statistics_ = {};
    statistics_.tensors.resize(layout_->entries().size());
    weights_before_ = model.state().weights;
    if (options_.activations) see_activations(model.decoder(), batch);
  }

  bool wants_gradient(std::uint64_t step) const override { return is_wanted(step); }

  void gradient(std::uint64_t, std::span<const float> values) override {
    for_each_tensor([&](const TensorLayout::Entry& entry, TensorStatistics& tensor) {
      tensor.gradient = spread_of(part(values, entry));
    });
  }

  void after(const logs::StepRecord& record, const TrainingModel& model) override {
    if (!is_wanted(record.step)) return;
    statistics_.step = record.step;
    statistics_.loss = record.loss;
    statistics_.gradient_norm = record.gradient_norm;
    statistics_.state = record.state;
    const TrainingState& state = model.state();
    for_each_tensor([&](const TensorLayout::Entry& entry, TensorStatistics& tensor) {
      tensor.name = entry.spec.name;
      tensor.weights = spread_of(part(state.weights, entry));
      tensor.first_moments = spread_of(part(state.first_moments, entry));
      tensor.second_moments = spread_of(part(state.second_moments, entry));
      SpreadSum update;
      update.add_difference(part(state.weights, entry), part(weights_before_, entry));
      tensor.update = update.result();
    });
    visit_(statistics_);
  }

 private:
  bool is_wanted(std::uint64_t step) const {
    return step >= options_.first_step && step <= options_.last_step &&
           (step - options_.first_step) % options_.every == 0;
  }

  static std::span<const float> part(std::span<const float> all, const TensorLayout::Entry& entry) {
    return all.subspan(static_cast<std::size_t>(entry.offset), static_cast<std::size_t>(entry.spec.num_elements()));
  }

  static Spread spread_of(std::span<const float> values) {
    SpreadSum sum;
    sum.add(values);
    return sum.result();
  }

  /// A tensor is added up by one thread, so the order of its values is fixed.
  template <typename Work>
  void for_each_tensor(const Work& work) {
    threads_.parallel_for(static_cast<std::int64_t>(statistics_.tensors.size()), [&](std::int64_t i) {
      const auto index = static_cast<std::size_t>(i);
      work(layout_->entries()[index], statistics_.tensors[index]);
    });
  }

  struct Named {
    std::string name;
    SpreadSum sum;
  };

  /// Grain by grain, as the step runs them; the grains are put together in their order.
  void see_activations(const model::Decoder& decoder, const Batch& batch) {
    const std::int64_t num_grains = static_cast<std::int64_t>(batch.num_sequences) / sequences_per_grain_;
    const std::size_t grain_tokens = static_cast<std::size_t>(sequences_per_grain_) * batch.length;
    std::vector<std::vector<Named>> grains(static_cast<std::size_t>(num_grains));
    threads_.parallel_for(num_grains, [&](std::int64_t grain) {
      const auto index = static_cast<std::size_t>(grain);
      decoder.observe(std::span(batch.inputs).subspan(index * grain_tokens, grain_tokens), sequences_per_grain_,
                      batch.length, [&](const std::string& name, std::span<const float> values) {
                        grains[index].push_back({name, {}});
                        grains[index].back().sum.add(values);
                      });
    });
    for (std::size_t i = 0; i < grains.front().size(); ++i) {
      SpreadSum all;
      for (const std::vector<Named>& grain : grains) all.merge(grain[i].sum);
      statistics_.activations.push_back({grains.front()[i].name, all.result()});
    }
  }

  StatisticsOptions options_;
  std::int64_t sequences_per_grain_;
  Visit visit_;
  ThreadPool threads_;
  const TensorLayout* layout_ = nullptr;
  std::vector<float> weights_before_;
  StepStatistics statistics_;
};

}  // namespace

int collect_statistics(const StatisticsOptions& options, const Visit& visit, ProgressSink& progress) {
  REPRISE_REQUIRE(
      options.first_step >= 1 && options.first_step <= options.last_step && options.every >= 1, ErrorKind::kUsage,
      fmt::format("there are no steps {} to {}, every {}", options.first_step, options.last_step, options.every),
      "steps begin with 1: --from A --to B with A at most B, --every at least 1");
  const RunFolder run(options.run_dir);
  require_steps(run, options.first_step, options.last_step);
  const configs::Recipe recipe = configs::resolve(configs::load_config(run.recipe())).recipe();
  StatisticsObserver observer(options, recipe, visit);
  const ScratchFolder work(options.work);
  ReplayOptions replay_options;
  replay_options.from = options.first_step - 1;
  replay_options.to = options.last_step;
  replay_options.num_threads = options.num_threads;
  replay_options.compute = options.compute;
  replay_options.observer = &observer;
  return replay(run, RunFolder(work.path() / "run"), replay_options, progress).stopped_by_signal;
}

}  // namespace reprise::train
