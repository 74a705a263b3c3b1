// reprise checkpoint ema

#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "checkpoint_verbs.h"
#include "device_flag.h"
#include "json_text.h"
#include "reprise/checkpoints/output_place.h"
#include "reprise/core/print_note.h"
#include "reprise/core/stop.h"
#include "reprise/core/thread_count.h"
#include "reprise/logs/progress_bar.h"
#include "reprise/train/replay_average.h"
#include "run_flags.h"

namespace reprise::app {
namespace {

struct EmaFlags {
  train::ReplayAverageOptions options;
  int threads = 0;
  bool json = false;
  bool quiet = false;
};

void average(const EmaFlags& flags, Context& context) {
  train::ReplayAverageOptions options = flags.options;
  checkpoints::require_place_of_average(options.out);
  options.num_threads = thread_count(flags.threads);
  const auto progress = logs::make_progress(flags.quiet);
  const StopHandlers handlers;
  const train::ReplayAverage made = train::average_by_replay(options, *progress);
  if (made.stopped_by_signal != 0) {
    context.status = 128 + made.stopped_by_signal;
    print_note("stopped; nothing was written\n");
    return;
  }
  if (flags.json) {
    const nlohmann::ordered_json json = {{"path", options.out.string()},     {"decay", options.decay},
                                         {"first_step", options.first_step}, {"last_step", options.last_step},
                                         {"steps", made.num_steps},          {"root", made.root.hex()}};
    fmt::print("{}\n", json_text(json));
    return;
  }
  fmt::print("average of the weights behind steps {} to {}, decay {}, in {}\nroot {}\n", options.first_step,
             options.last_step, options.decay, options.out.string(), made.root.hex());
}

}  // namespace

void add_ema_verb(CLI::App& checkpoint, Context& context) {
  const auto flags = std::make_shared<EmaFlags>();
  CLI::App* verb =
      checkpoint.add_subcommand("ema", "Exponential average over the weights of every step of a range, by replay");
  verb->add_option("RUN", flags->options.run_dir, "Run folder, such as runs/tiny")->required();
  verb->add_option("--decay", flags->options.decay, "What an older average keeps at each step, between 0 and 1")
      ->required();
  verb->add_option("--from", flags->options.first_step, "Oldest step")->required();
  verb->add_option("--to", flags->options.last_step, "Newest step")->required();
  verb->add_option("--out", flags->options.out, "File to write")->required();
  add_device_flag(*verb, flags->options.compute.device,
                  "Where to compute: cpu, cuda or cuda:N; native: that of the run");
  add_threads_flag(*verb, flags->threads, "Threads (default: one per core)");
  verb->add_flag("--json", flags->json, "Print what was made as JSON on stdout");
  add_quiet_flag(*verb, flags->quiet);
  verb->footer(
      "Each replayed step must give the record in run.log. The file names every step by the root of its checkpoint.\n\n"
      "Example:\n  reprise checkpoint ema runs/tiny --decay 0.99 --from 400 --to 600 --out ema.h5");
  verb->callback([flags, &context] { average(*flags, context); });
}

}  // namespace reprise::app
