#include "reprise/train/materialize.h"

#include <optional>

#include "replay.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/scratch_folder.h"
#include "run_folder.h"

namespace reprise::train {
namespace {

/// The file of `folder` that holds `step` with its moments.
std::filesystem::path whole_file(const std::filesystem::path& folder, std::uint64_t step) {
  for (const checkpoints::CheckpointInfo& info : checkpoints::list_checkpoints(folder)) {
    if (info.header.step == step && info.has_moments) return info.path;
  }
  throw Error(ErrorKind::kInternal, fmt::format("the replay left no whole checkpoint of step {}", step));
}

}  // namespace

Materialized materialize(const MaterializeOptions& options, ProgressSink& progress) {
  const RunFolder run(options.run_dir);
  const std::optional<Digest> expected = logged_state(run, options.step);
  const ScratchFolder work_folder(scratch_path(options.out));
  const RunFolder work(work_folder.path() / "run");  // whose own lock the replay takes
  ReplayOptions replay_options;
  replay_options.from = options.step;
  replay_options.to = options.step;
  replay_options.num_threads = options.num_threads;
  replay_options.compute = options.compute;
  replay_options.save_last_state = true;
  const Replayed replayed = replay(run, work, replay_options, progress);
  if (replayed.stopped_by_signal != 0) return {{}, 0, {}, {}, replayed.stopped_by_signal};

  const std::filesystem::path file = whole_file(work.checkpoints(), options.step);
  const checkpoints::LoadedCheckpoint loaded = checkpoints::read_checkpoint(file);
  const Digest state = checkpoints::state_digest(options.step, loaded.layout, loaded.digests);
  REPRISE_REQUIRE(!expected || state == *expected, ErrorKind::kCheckpoint,
                  fmt::format("the replay of step {} has state {}; {} holds {}", options.step, state.hex(),
                              run.run_log().string(), expected->hex()),
                  "run.log and checkpoints/ are not of the same run: `reprise verify RUN`");
  commit_file(file, options.out);
  return {replayed.start ? replayed.start->path.filename().string() : "the beginning",
          options.step - replayed.first_step, loaded.info.root, state, 0};
}

}  // namespace reprise::train
