#include "replay.h"

#include <algorithm>

#include "own_copy.h"
#include "reprise/checkpoints/folder.h"
#include "reprise/configs/checkpoint_schedule.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/print_note.h"
#include "reprise/core/shell_line.h"
#include "reprise/dist/communicator.h"
#include "reprise/logs/run_log.h"
#include "reprise/train/fork.h"

namespace reprise::train {
namespace {

/// Whether the replay has to end with the scheduled checkpoint of its last step.
bool saves_scheduled(const ReplayOptions& options, const configs::Recipe& recipe) {
  const std::vector<std::uint64_t> scheduled = configs::checkpoint_steps(recipe);
  return options.save_last_state && std::binary_search(scheduled.begin(), scheduled.end(), options.to);
}

/// The checkpoint of the highest step up to `options.from` that has moments and whose content verifies.
std::optional<checkpoints::CheckpointInfo> find_start(const std::filesystem::path& folder, const ReplayOptions& options,
                                                      const configs::Recipe& recipe) {
  const bool is_scheduled = saves_scheduled(options, recipe);
  const checkpoints::FolderScan scan = checkpoints::scan_checkpoints(folder);
  for (auto info = scan.complete.rbegin(); info != scan.complete.rend(); ++info) {
    if (!info->has_moments || info->header.step > options.from) continue;
    // A recovery file of a scheduled step was made behind its checkpoint, which it names as the one before: the same
    // state, another root.
    const bool is_recovery = info->kind == checkpoints::FileKind::kRecovery;
    if (is_scheduled && is_recovery && info->header.step == options.to) continue;
    try {
      checkpoints::read_checkpoint(info->path);
      return *info;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kCorrupt) throw;  // a damaged one is passed over: the one before does it too
      print_note("warning: passed over: {}\n", error.what());
    }
  }
  return std::nullopt;
}

/// What the trainer needs to go on from `start`: the shards and the tokenizer are the run's own.
void lay_out(const RunFolder& run, const RunFolder& work, const std::optional<checkpoints::CheckpointInfo>& start) {
  make_folders(work.checkpoints());
  std::filesystem::create_directory_symlink(std::filesystem::absolute(run.shards()), work.shards());
  std::filesystem::create_directory_symlink(std::filesystem::absolute(run.tokenizer().parent_path()),
                                            work.tokenizer().parent_path());
  if (std::filesystem::exists(run.parent())) {
    std::filesystem::create_symlink(std::filesystem::absolute(run.parent()), work.parent());
  }
  copy_to_own(run.recipe(), work.recipe());
  copy_to_own(run.run_log(), work.run_log());
  if (start) copy_to_own(start->path, work.checkpoints() / start->path.filename());
}

/// The log up to its damage, if any: a replay needs the records of its own steps.
logs::RunLog read_log(const RunFolder& run) {
  REPRISE_REQUIRE(std::filesystem::exists(run.recipe()) && std::filesystem::exists(run.run_log()),
                  ErrorKind::kCheckpoint,
                  fmt::format("{} holds no run: recipe.pbtxt or run.log is missing", run.root().string()),
                  "give the folder that `reprise train` or `reprise reproduce` wrote, such as runs/tiny");
  return logs::read_intact_records(run.run_log());
}

std::uint64_t last_step(const logs::RunLog& log) {
  std::uint64_t last = log.records.front().header->first_step();
  for (const logs::RunRecord& record : log.records) {
    if (record.step) last = record.step->step;
  }
  return last;
}

/// Refuses a step of which only those from `lowest` to the log's last one may be asked for.
[[noreturn]] void refuse_step(const RunFolder& run, const logs::RunLog& log, std::uint64_t step, std::uint64_t lowest) {
  const std::uint64_t last = last_step(log);
  if (step > last) logs::read_run_log(run.run_log());  // throws where it is damage that hides the step
  const std::string place = step < lowest
                                ? fmt::format("begins behind step {}", log.records.front().header->first_step())
                                : fmt::format("ends at step {}", last);
  throw Error(ErrorKind::kCheckpoint, fmt::format("{} {}; step {} is not in it", run.run_log().string(), place, step),
              lowest > last
                  ? fmt::format("train a step first: `reprise train --resume {}`", shell_line({run.root().string()}))
                  : fmt::format("ask for a step from {} to {}", lowest, last));
}

}  // namespace

std::optional<Digest> logged_state(const RunFolder& run, std::uint64_t step) {
  const logs::RunLog log = read_log(run);
  const std::uint64_t first = log.records.front().header->first_step();
  if (step == first) return std::nullopt;
  for (const logs::RunRecord& record : log.records) {
    if (record.step && record.step->step == step) return record.step->state;
  }
  refuse_step(run, log, step, first);
}

void require_steps(const RunFolder& run, std::uint64_t first, std::uint64_t last) {
  const logs::RunLog log = read_log(run);
  const std::uint64_t lowest = log.records.front().header->first_step() + 1;
  for (const std::uint64_t step : {first, last}) {
    if (step < lowest || step > last_step(log)) refuse_step(run, log, step, lowest);
  }
}

namespace {

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// What is wrong with the copies of the run's files is said of the run: the copies are gone when that is read. What the
/// system refuses (kIo) it refuses at the copies, but for the folders that are the run's own.
Error said_of_run(const Error& error, const RunFolder& run, const RunFolder& work) {
  const std::string from = work.root().string() + '/', to = run.root().string() + '/';
  std::vector<std::string> parts{""};
  if (error.kind() == ErrorKind::kIo) parts = {"shards/", "tokenizer/"};
  std::string what = error.what(), hint = error.hint();
  for (const std::string& part : parts) {
    what = replaced(what, from + part, to + part);
    hint = replaced(hint, from + part, to + part);
  }
  return Error(error.kind(), what, hint);
}

Replayed replay_in(const RunFolder& run, const RunFolder& work, const ReplayOptions& options, ProgressSink& progress) {
  Replayed replayed;
  const configs::RunConfig config = configs::load_config(run.recipe());
  replayed.start = find_start(run.checkpoints(), options, configs::resolve(config).recipe());
  lay_out(run, work, replayed.start);
  replayed.first_step = replayed.start ? replayed.start->header.step : first_step(config.recipe());
  TrainOptions train_options;
  train_options.run_dir = work.root();
  train_options.num_threads = options.num_threads;
  train_options.compute = options.compute;
  train_options.resume = true;
  train_options.without_checkpoint = true;
  train_options.device_log = run.session_log();
  train_options.stop_after_step = options.to;
  train_options.save_whole_last_state = options.save_last_state;
  train_options.observer = options.observer;
  const auto communicator = dist::make_local_communicator();
  replayed.stopped_by_signal = train(config, train_options, *communicator, progress).stopped_by_signal;
  return replayed;
}

}  // namespace

Replayed replay(const RunFolder& run, const RunFolder& work, const ReplayOptions& options, ProgressSink& progress) {
  try {
    return replay_in(run, work, options, progress);
  } catch (const Error& error) {
    throw said_of_run(error, run, work);
  }
}

}  // namespace reprise::train
