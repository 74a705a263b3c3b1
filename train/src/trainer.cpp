#include "reprise/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "batch.h"
#include "checkpoint_writer.h"
#include "gather.h"
#include "held_out_evaluation.h"
#include "lineage.h"
#include "model_flops.h"
#include "native_device.h"
#include "reprise/configs/checkpoint_schedule.h"
#include "reprise/configs/config.h"
#include "reprise/configs/profile.h"
#include "reprise/core/error.h"
#include "reprise/core/fault_point.h"
#include "reprise/core/folder_lock.h"
#include "reprise/core/thread_pool.h"
#include "reprise/data_pipeline/reading_order.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "run_folder.h"
#include "same_on_ranks.h"
#include "session_recorder.h"
#include "step.h"
#include "step_observer.h"
#include "training_data.h"
#include "training_model.h"
#include "training_state.h"

namespace reprise::train {
namespace {

using checkpoints::FileKind;

/// Seconds that `work` takes.
template <typename Work>
double timed(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// One call of train().
class Trainer {
 public:
  Trainer(const configs::RunConfig& config, const TrainOptions& options, dist::Communicator& communicator,
          ProgressSink& progress);
  TrainSummary run();

 private:
  void read_data();
  void open_state();
  void open_evaluation();
  void start_from(const std::filesystem::path& checkpoint);
  void begin_from_parent();
  void take_state(const checkpoints::LoadedCheckpoint& loaded);
  void open_run_log();
  void read_spike_window();
  void loop();
  void one_step(std::uint64_t step);
  void evaluate(std::uint64_t step);
  std::string figures() const;
  void observe_before(std::uint64_t step);
  void save_scheduled();
  FileKind save_whole_state();
  void save_recovery(int signal_number);
  TrainSummary summarise();

  std::int64_t num_grains() const { return recipe_.batch_sequences() / configs::sequences_per_leaf(identity_.recipe); }
  bool is_first_rank() const { return communicator_.rank() == 0; }
  std::uint64_t last_step() const {
    return std::min<std::uint64_t>(recipe_.num_steps(), options_.stop_after_step.value_or(recipe_.num_steps()));
  }
  bool stores_moments(std::uint64_t step) const {
    return configs::is_anchor(identity_.recipe, step) || (options_.save_whole_last_state && step == last_step());
  }
  bool is_scheduled(std::uint64_t step) const { return std::binary_search(schedule_.begin(), schedule_.end(), step); }
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

  TrainOptions options_;
  dist::Communicator& communicator_;
  ProgressSink& progress_;
  RunFolder folder_;
  std::optional<FolderLock> lock_;  // rank 0: two sessions in one folder would spoil it
  RunIdentity identity_;
  const configs::TrainRecipe& recipe_;
  checkpoints::StorageRule storage_;
  std::vector<std::uint64_t> schedule_;
  ThreadPool threads_;

  data::TokenSet tokens_;
  std::unique_ptr<data::ReadingOrder> order_;
  std::unique_ptr<TrainingModel> model_;
  std::unique_ptr<CheckpointWriter> writer_;
  std::optional<logs::RunLogWriter> run_log_;  // rank 0
  std::unique_ptr<SessionRecorder> session_;
  std::unique_ptr<HeldOutEvaluation> evaluation_;  // with train.evaluation
  std::optional<logs::EvaluationRecord> last_evaluation_;
  Batch batch_;
  StepOutcome last_;
  std::string resumed_from_;
  bool fresh_ = true;
  SideSeconds side_;
  TrainSummary summary_;
  std::uint64_t tokens_at_start_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

Trainer::Trainer(const configs::RunConfig& config, const TrainOptions& options, dist::Communicator& communicator,
                 ProgressSink& progress)
    : options_(options),
      communicator_(communicator),
      progress_(communicator.rank() == 0 ? progress : no_progress()),
      folder_(options.run_dir),
      identity_(identify(config)),
      recipe_(identity_.recipe.train()),
      storage_{config.runtime().checkpoint_storage().delta(), config.runtime().checkpoint_storage().keep_moments()},
      schedule_(configs::checkpoint_steps(identity_.recipe)),
      threads_(options.num_threads) {
  set_fault_rank(communicator.rank());
  communicator.set_patience(options.watchdog);
}

TrainSummary Trainer::run() {
  read_data();
  open_state();
  open_run_log();
  read_spike_window();
  summary_.first_step = model_->header().step;
  tokens_at_start_ = model_->header().tokens_seen;
  SessionStart start;
  start.resumed = options_.resume;
  start.step = model_->header().step;
  start.from = resumed_from_.empty() ? "the beginning" : resumed_from_;
  if (const auto parent = parent_link(identity_.recipe))
    start.parent = fmt::format("{} at step {}", parent->run, parent->step);
  start.num_grains = num_grains();
  start.model_flops_per_token = model_flops_per_token(identity_.recipe, model_->layout().num_parameters());
  start.num_threads = options_.num_threads;
  start.device = model_->device_description();
  start.exchange = model_->exchange_description();
  start.program = options_.program;
  session_ = std::make_unique<SessionRecorder>(folder_.session_log(), start, communicator_);
  try {
    loop();
    writer_->wait();
    if (is_first_rank()) run_log_->sync();
  } catch (const std::exception& failure) {
    session_->failure(model_->header().step, failure.what());
    throw;
  }
  return summarise();
}

void Trainer::read_data() {
  on_first_rank(communicator_, [&] {
    folder_.require_data();
    lock_.emplace(folder_.root());
    return std::string();
  });
  tokens_ = data::TokenSet::open(folder_.shards(), "train");
  identity_.data_root = tokens_.root();
  const data::Tokenizer tokenizer = data::Tokenizer::load(folder_.tokenizer());
  identity_.tokenizer = tokenizer.digest();
  expect_one_run(identity_, options_, last_step(), communicator_);
  require_fitting_data(identity_.recipe, folder_, tokens_, tokenizer);
  order_ =
      std::make_unique<data::ReadingOrder>(tokens_, identity_.recipe, data_start(folder_.root(), identity_.recipe));
}

void Trainer::open_state() {
  model_ = std::make_unique<TrainingModel>(identity_.recipe, options_.compute, threads_, communicator_);
  expect_one_kind_of_device(identity_.recipe, model_->device_description(), log_of_device(options_), communicator_);
  open_evaluation();
  writer_ = std::make_unique<CheckpointWriter>(folder_.checkpoints(), model_->layout(), communicator_, storage_);
  resumed_from_ = on_first_rank(communicator_, [&] {
    if (options_.resume) {
      const auto found = folder_.prepare_resume(identity_, options_.without_checkpoint);
      return found ? found->string() : std::string();
    }
    folder_.begin(identity_);
    return std::string();
  });
  if (resumed_from_.empty()) {
    model_->initialize(identity_);
    if (identity_.recipe.has_parent()) begin_from_parent();
  } else {
    start_from(resumed_from_);
  }
}

void Trainer::open_evaluation() {
  if (!recipe_.has_evaluation()) return;
  const data::TokenSet held_out = data::TokenSet::open(folder_.shards(), "held_out");
  expect_one_file(folder_.shards() / "held_out", held_out.root(), ErrorKind::kData, communicator_);
  evaluation_ = std::make_unique<HeldOutEvaluation>(recipe_, held_out, data::Tokenizer::load(folder_.tokenizer()),
                                                    folder_.shards(), model_->grain_threads(), communicator_);
}

void Trainer::start_from(const std::filesystem::path& checkpoint) {
  fresh_ = false;
  const checkpoints::LoadedCheckpoint loaded = checkpoints::read_checkpoint(checkpoint, model_->slice());
  expect_one_file(checkpoint, loaded.info.root, ErrorKind::kCheckpoint, communicator_);
  fault_point("resume_read");
  take_state(loaded);
  model_->header() = loaded.info.header;
  if (loaded.info.kind == FileKind::kScheduled) model_->header().previous_root = loaded.info.root;
  summary_.final_root = model_->header().previous_root;
}

/// The state that initialize() made gets the weights of the parent, and its moments unless the recipe leaves them.
void Trainer::begin_from_parent() {
  checkpoints::LoadedCheckpoint loaded = read_parent(folder_, identity_.recipe, model_->slice());
  const bool reset = identity_.recipe.parent().reset_optimizer();
  if (reset) {
    std::fill(loaded.first_moments.begin(), loaded.first_moments.end(), 0.0f);
    std::fill(loaded.second_moments.begin(), loaded.second_moments.end(), 0.0f);
  }
  take_state(loaded);
  if (reset) model_->digest();
  continue_header(loaded.info, identity_.recipe, model_->header());
  summary_.final_root = loaded.info.root;
}

void Trainer::take_state(const checkpoints::LoadedCheckpoint& loaded) {
  const auto elements = static_cast<std::size_t>(model_->layout().num_elements());
  const auto slice = static_cast<std::size_t>(model_->slice().size() * kChunkElements);
  REPRISE_REQUIRE(loaded.weights.size() == elements && loaded.info.has_moments, ErrorKind::kCheckpoint,
                  fmt::format("{} holds {} weights and {} moments; the model has {}", loaded.info.path.string(),
                              loaded.weights.size(), loaded.info.has_moments ? "their" : "no", elements),
                  "the file is of another model; move it out of the run folder");
  REPRISE_CHECK_EQ(loaded.first_moments.size(), slice);
  TrainingState& state = model_->state_to_change();
  state.digests = loaded.digests;
  // The decoder keeps the address of the weights, so they are copied in place.
  std::copy(loaded.weights.begin(), loaded.weights.end(), state.weights.begin());
  state.first_moments.assign(loaded.first_moments.begin(), loaded.first_moments.end());
  state.second_moments.assign(loaded.second_moments.begin(), loaded.second_moments.end());
}

void Trainer::open_run_log() {
  on_first_rank(communicator_, [&] {
    const logs::RunHeader header = run_header(identity_, static_cast<std::uint64_t>(model_->layout().num_parameters()),
                                              static_cast<std::uint64_t>(num_grains()));
    if (fresh_) {
      run_log_.emplace(open_run_log_at_start(folder_, header));
    } else {
      const std::uint64_t step = model_->header().step;
      const Digest state = checkpoints::state_digest(step, model_->layout(), model_->digests());
      run_log_.emplace(open_run_log_after(folder_, header, step, state));
      // A session can be killed after the checkpoint was complete and before its record was; writing a record that is
      // there already only compares it.
      if (is_scheduled(step)) run_log_->append(logs::CheckpointRecord{step, model_->header().previous_root});
    }
    return std::string();
  });
}

/// The window is no part of a checkpoint: the log, cut back to the step, has its values.
void Trainer::read_spike_window() {
  if (!recipe_.has_spike_skipping()) return;
  model_->state_to_change().spikes = SpikeWindow::from_bytes(on_first_rank(communicator_, [&] {
    return spike_window_of(recipe_.spike_skipping(), logs::read_run_log(folder_.run_log())).to_bytes();
  }));
}

void Trainer::loop() {
  const std::uint64_t last = last_step();
  progress_.begin("training", static_cast<std::int64_t>(last), "steps");
  progress_.update(static_cast<std::int64_t>(model_->header().step));
  start_ = std::chrono::steady_clock::now();
  if (fresh_) save_scheduled();
  while (model_->header().step < last) {
    one_step(model_->header().step + 1);
    if (last_.stop_signal != 0 && model_->header().step < last) {
      save_recovery(last_.stop_signal);
      break;
    }
  }
  if (options_.save_whole_last_state && summary_.stopped_by_signal == 0) save_whole_state();
  progress_.end();
}

void Trainer::one_step(std::uint64_t step) {
  writer_->poll();
  model_->prepare_step(step);
  side_.data +=
      timed([&] { read_batch(*order_, model_->header().next_sample, order_->plan().sequences(step), batch_); });
  observe_before(step);
  try {
    last_ = model_->run_step(step, batch_);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNumeric) throw;
    std::string documents;
    for (const std::string& id : document_ids(*order_, batch_)) documents += (documents.empty() ? "" : ", ") + id;
    throw error.with_context("documents of the batch: " + documents);
  }
  last_.record.batch_hash = batch_hash(batch_);
  if (is_first_rank()) run_log_->append(last_.record);
  if (options_.observer != nullptr) options_.observer->after(last_.record, *model_);
  if (evaluation_ != nullptr && evaluation_->is_due(step)) evaluate(step);
  if (is_scheduled(step)) side_.checkpoint_wait += timed([&] { save_scheduled(); });
  side_.checkpoint_write = writer_->write_seconds();
  session_->step(last_, side_);
  progress_.update(static_cast<std::int64_t>(step), figures());
}

void Trainer::evaluate(std::uint64_t step) {
  const std::int64_t length = recipe_.sequence_length();
  const model::Decoder& decoder = model_->decoder();
  const ScoreGrains score = [&](std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets) {
    return decoder.score(inputs, targets, std::ssize(inputs) / length, length);
  };
  last_evaluation_ = evaluation_->run(step, score, decoder.score_batch_tokens());
  if (is_first_rank()) run_log_->append(*last_evaluation_);
}

/// For the progress of the run.
std::string Trainer::figures() const {
  std::string text = fmt::format("loss {:.3f}", last_.record.loss);
  if (last_evaluation_) text += fmt::format(", held out {:.4f} bits/byte", last_evaluation_->bits_per_byte);
  const double rate = static_cast<double>(model_->header().tokens_seen - tokens_at_start_) / seconds();
  return text + fmt::format(", {:.0f} tokens/s", rate);
}

void Trainer::observe_before(std::uint64_t step) {
  StepObserver* const observer = options_.observer;
  if (observer == nullptr) return;
  REPRISE_CHECK_EQ(communicator_.size(), 1);
  observer->before(step, *model_, batch_);
  model_->runner().show_gradient({});
  if (observer->wants_gradient(step)) model_->runner().show_gradient([=](auto g) { observer->gradient(step, g); });
}

void Trainer::save_scheduled() {
  const std::uint64_t step = model_->header().step;
  const bool anchor = stores_moments(step);
  const Digest root = checkpoints::checkpoint_root(model_->header(), model_->layout(), model_->digests());
  // A checkpoint that a run can resume from must not outlive the log up to its step.
  if (anchor && is_first_rank()) run_log_->sync();
  writer_->write(FileKind::kScheduled, model_->state_of_slice(), anchor, root);
  if (is_first_rank()) run_log_->append(logs::CheckpointRecord{step, root});
  session_->checkpoint(step, root, checkpoints::file_name(FileKind::kScheduled, step));
  model_->header().previous_root = root;
  summary_.final_root = root;
}

/// Stores the state with its moments, unless a scheduled checkpoint has just done so; returns which file has it.
FileKind Trainer::save_whole_state() {
  const std::uint64_t step = model_->header().step;
  FileKind kind = FileKind::kScheduled;
  if (!is_scheduled(step) || !stores_moments(step)) {
    kind = FileKind::kRecovery;
    if (is_first_rank()) run_log_->sync();
    writer_->write(kind, model_->state_of_slice(), true,
                   checkpoints::checkpoint_root(model_->header(), model_->layout(), model_->digests()));
  }
  writer_->wait();
  return kind;
}

void Trainer::save_recovery(int signal_number) {
  const FileKind kind = save_whole_state();
  const std::uint64_t step = model_->header().step;
  session_->signal(step, signal_number, checkpoints::file_name(kind, step));
  summary_.stopped_by_signal = signal_number;
}

TrainSummary Trainer::summarise() {
  summary_.last_step = model_->header().step;
  summary_.seconds = seconds();
  summary_.tokens_per_second = static_cast<double>(model_->header().tokens_seen - tokens_at_start_) / summary_.seconds;
  summary_.final_loss = last_.record.loss;
  if (is_first_rank()) summary_.run_log = run_log_->chain();
  communicator_.broadcast(std::as_writable_bytes(std::span(&summary_.run_log, 1)), 0);
  session_->end(summary_.last_step, summary_.seconds, summary_.tokens_per_second);
  return summary_;
}

}  // namespace

TrainSummary train(const configs::RunConfig& config, const TrainOptions& options, dist::Communicator& communicator,
                   ProgressSink& progress) {
  return Trainer(config, options, communicator, progress).run();
}

}  // namespace reprise::train
