// reprise checkpoint materialize

#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "checkpoint_verbs.h"
#include "device_flag.h"
#include "json_text.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/checkpoints/output_place.h"
#include "reprise/core/print_note.h"
#include "reprise/core/stop.h"
#include "reprise/core/thread_count.h"
#include "reprise/logs/progress_bar.h"
#include "reprise/logs/run_log.h"
#include "reprise/train/materialize.h"
#include "run_flags.h"

namespace reprise::app {
namespace {

struct MaterializeFlags {
  std::filesystem::path run;
  std::uint64_t step = 0;
  std::filesystem::path out;
  std::string device;
  int threads = 0;
  bool json = false;
  bool quiet = false;
};

/// Before the work: what it made would be lost otherwise.
void require_place(const train::MaterializeOptions& options) {
  const std::filesystem::path log = options.run_dir / "run.log";
  if (!std::filesystem::exists(log)) return;  // the replay says so
  const logs::RunHeader header = logs::read_intact_records(log).records.front().header.value();
  checkpoints::require_place_of_checkpoint(options.out, {options.step, header.recipe_hash, header.data_root});
}

void materialize(const MaterializeFlags& flags, Context& context) {
  train::MaterializeOptions options;
  options.run_dir = flags.run;
  options.step = flags.step;
  options.out = flags.out.empty()
                    ? std::filesystem::path(checkpoints::file_name(checkpoints::FileKind::kScheduled, flags.step))
                    : flags.out;
  require_place(options);
  options.num_threads = thread_count(flags.threads);
  options.compute.device = flags.device;
  const auto progress = logs::make_progress(flags.quiet);
  const StopHandlers handlers;
  const train::Materialized made = train::materialize(options, *progress);
  if (made.stopped_by_signal != 0) {
    context.status = 128 + made.stopped_by_signal;
    print_note("stopped; nothing was written\n");
    return;
  }
  if (flags.json) {
    const nlohmann::ordered_json json = {{"step", flags.step},      {"path", options.out.string()},
                                         {"from", made.from},       {"replayed_steps", made.num_replayed},
                                         {"root", made.root.hex()}, {"state", made.state.hex()}};
    fmt::print("{}\n", json_text(json));
    return;
  }
  fmt::print("step {} in {}\nfrom {}, {} step(s) replayed, each as run.log has it\nroot  {}\nstate {}\n", flags.step,
             options.out.string(), made.from, made.num_replayed, made.root.hex(), made.state.hex());
}

}  // namespace

void add_materialize_verb(CLI::App& checkpoint, Context& context) {
  const auto flags = std::make_shared<MaterializeFlags>();
  CLI::App* verb = checkpoint.add_subcommand("materialize", "Compute any step again from the checkpoint before it");
  verb->add_option("RUN", flags->run, "Run folder, such as runs/tiny")->required();
  verb->add_option("--step", flags->step, "Step to make")->required();
  verb->add_option("--out", flags->out, "Checkpoint file to write (default step-NNNNNN.h5 in this folder)");
  add_device_flag(*verb, flags->device, "Where to compute: cpu, cuda or cuda:N; native: that of the run");
  add_threads_flag(*verb, flags->threads, "Threads (default: one per core)");
  verb->add_flag("--json", flags->json, "Print what was made as JSON on stdout");
  add_quiet_flag(*verb, flags->quiet);
  verb->footer(
      "Replays from the last checkpoint with moments before the step. Each replayed step must give the record in "
      "run.log,\n"
      "so the state is checked against the log. The run folder is not changed.\n\n"
      "Example:\n  reprise checkpoint materialize runs/tiny --step 37 --out step-37.h5");
  verb->callback([flags, &context] { materialize(*flags, context); });
}

}  // namespace reprise::app
