#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "json_text.h"
#include "launch.h"
#include "program_of.h"
#include "reprise/audit/reproduce.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/print_note.h"
#include "reprise/core/shell_line.h"
#include "reprise/core/stop.h"
#include "reprise/dist/communicator.h"
#include "reprise/logs/progress_bar.h"
#include "reprise/train/trainer.h"
#include "restart.h"
#include "run_flags.h"

namespace reprise::app {
namespace {

struct ReproduceFlags {
  std::string config;
  std::vector<std::string> overrides;
  std::string out;
  int ranks = 0;
  int threads = 0;
  bool overwrite = false;
  bool publish = false;
  bool json = false;
  bool quiet = false;
};

void say(const std::string& line) { print_note("{}\n", line); }

configs::RunConfig load(const ReproduceFlags& flags) {
  configs::RunConfig config = configs::load_config(flags.config, flags.overrides);
  if (!flags.out.empty()) config.mutable_runtime()->set_output_dir(flags.out);
  if (flags.ranks > 0) config.mutable_runtime()->set_num_ranks(static_cast<std::uint32_t>(flags.ranks));
  if (flags.threads > 0) config.mutable_runtime()->set_num_threads(static_cast<std::uint32_t>(flags.threads));
  return config;
}

/// While it lives, what this process and its children print on stdout goes to stderr: the ranks' own summary is talk
/// here, and stdout belongs to the report.
class StdoutToStderr {
 public:
  StdoutToStderr() : saved_(::dup(STDOUT_FILENO)) {
    std::fflush(stdout);
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
  }
  ~StdoutToStderr() {
    std::fflush(stdout);
    std::clearerr(stdout);  // what standard error does not take is lost
    ::dup2(saved_, STDOUT_FILENO);
    ::close(saved_);
  }
  StdoutToStderr(const StdoutToStderr&) = delete;
  StdoutToStderr& operator=(const StdoutToStderr&) = delete;

 private:
  int saved_;
};

int train_in_ranks(const ReproduceFlags& flags, const configs::RunConfig& config, const std::filesystem::path& run_dir,
                   const Context& context, bool resume) {
  std::vector<std::string> arguments = {context.command_line.front(), "train"};
  if (resume) {
    arguments.insert(arguments.end(), {"--resume", run_dir.string()});
    const std::vector<std::string> overrides = runtime_overrides(config.runtime());  // the folder has the recipe alone
    arguments.insert(arguments.end(), overrides.begin(), overrides.end());
  } else {
    arguments.insert(arguments.end(), {flags.config, "--out", run_dir.string()});
    for (const std::string& text : flags.overrides) arguments.insert(arguments.end(), {"--set", text});
  }
  arguments.insert(
      arguments.end(),
      {"--threads", std::to_string(threads_per_rank(config, static_cast<int>(config.runtime().num_ranks())))});
  const StdoutToStderr redirected;
  return run_ranks(static_cast<int>(config.runtime().num_ranks()), arguments);
}

int train_here(const configs::RunConfig& config, const std::filesystem::path& run_dir, const Context& context,
               bool resume, ProgressSink& progress) {
  const StopHandlers handlers;
  // Under a launcher, such as srun in a job, this process still computes alone.
  const auto communicator = dist::launched_by_mpi() ? dist::make_local_communicator() : dist::make_communicator();
  train::TrainOptions options;
  options.run_dir = run_dir;
  options.num_threads = threads_per_rank(config, 1);
  options.compute = train::compute_settings(config.runtime());
  options.watchdog = std::chrono::seconds(config.runtime().watchdog_seconds());
  options.resume = resume;
  options.program = program_of(context);
  const train::TrainSummary summary = train::train(config, options, *communicator, progress);
  return summary.stopped_by_signal == 0 ? 0 : 128 + summary.stopped_by_signal;
}

std::string table(const audit::ReproduceReport& report) {
  std::string text = fmt::format("\n{:<12} {:>8}  {}\n", "phase", "seconds", "figures");
  double total = 0;
  for (const audit::Phase& phase : report.phases) {
    text += fmt::format("{:<12} {:>8.1f}  {}\n", phase.name, phase.seconds, phase.figures);
    total += phase.seconds;
  }
  return text + fmt::format("{:<12} {:>8.1f}\n", "total", total);
}

std::string verdict_line(const audit::ReproduceReport& report, const std::string& config) {
  const std::string root = report.manifest.root().hex();
  const std::string of_whom = report.published_root ? "" : " (as the run in the folder)";
  if (report.reproduced()) return fmt::format("REPRODUCED root={}{}", root, of_whom);
  if (!report.wanted_root()) {
    return fmt::format("COMPUTED root={} (no published root: {} does not exist)", root,
                       audit::published_path(config).string());
  }
  return fmt::format("NOT REPRODUCED root={} {}={} first difference: {}", root,
                     report.published_root ? "published" : "before", report.wanted_root()->hex(), *report.difference());
}

nlohmann::ordered_json hex_or_null(const std::optional<Digest>& digest) {
  return digest ? nlohmann::ordered_json(digest->hex()) : nullptr;
}

nlohmann::ordered_json text_or_null(const std::optional<std::string>& text) {
  return text ? nlohmann::ordered_json(*text) : nullptr;
}

nlohmann::ordered_json to_json(const audit::ReproduceReport& report) {
  nlohmann::ordered_json json;
  json["root"] = report.manifest.root().hex();
  json["published_root"] = hex_or_null(report.published_root);
  json["reproduced"] = report.reproduced();
  json["first_difference"] = text_or_null(report.first_difference);
  json["previous_root"] = hex_or_null(report.previous_root);
  json["previous_difference"] = text_or_null(report.previous_difference);
  json["phases"] = nlohmann::ordered_json::array();
  for (const audit::Phase& phase : report.phases) {
    json["phases"].push_back({{"name", phase.name}, {"seconds", phase.seconds}, {"figures", phase.figures}});
  }
  return json;
}

audit::ReproduceOptions make_options(const ReproduceFlags& flags, const configs::RunConfig& config,
                                     const Context& context, ProgressSink& progress) {
  audit::ReproduceOptions options;
  options.run_dir = configs::output_folder(config);
  options.published = audit::published_path(flags.config);
  options.num_threads = threads_per_rank(config, 1);
  options.overwrite = flags.overwrite;
  options.say = say;
  options.run_training = [&flags, &config, &context, &progress](const std::filesystem::path& run_dir, bool resume) {
    return config.runtime().num_ranks() > 1 ? train_in_ranks(flags, config, run_dir, context, resume)
                                            : train_here(config, run_dir, context, resume, progress);
  };
  return options;
}

/// The given command, which must not replace the run that it is to go on with.
std::string command_to_go_on(const Context& context) {
  std::vector<std::string> words = context.command_line;
  std::erase_if(words, [](const std::string& word) { return word.starts_with("--overwrite"); });
  return shell_line(words);
}

/// Whether the same command can succeed where it has just failed: not with the same flags, devices and memory.
bool may_go_on(int exit_code_of_training) {
  return exit_code_of_training != exit_code(ErrorKind::kUsage) &&
         exit_code_of_training != exit_code(ErrorKind::kDevice);
}

void run(const ReproduceFlags& flags, Context& context) {
  const configs::RunConfig config = load(flags);
  dist::chosen_backend();  // a wrong one is not to be found behind the data
  const auto progress = logs::make_progress(flags.quiet);
  const audit::ReproduceOptions options = make_options(flags, config, context, *progress);
  const audit::ReproduceReport report = audit::reproduce(config, options, *progress);
  if (report.training_exit_code != 0) {
    if (may_go_on(report.training_exit_code)) say("training stopped; go on with: " + command_to_go_on(context));
    context.status = report.training_exit_code;
    return;
  }
  if (flags.publish) {
    write_file_atomically(options.published, audit::to_json(report.manifest, false));
    say(fmt::format("published: {}", options.published.string()));
  }
  const std::string text = fmt::format("{}\n{}\n", table(report), verdict_line(report, flags.config));
  if (flags.json) {
    print_note("{}", text);
    fmt::print("{}\n", json_text(to_json(report)));
  } else {
    fmt::print("{}", text);
  }
  context.status = report.difference() ? 1 : 0;
}

}  // namespace

void add_reproduce_command(CLI::App& app, Context& context) {
  const auto flags = std::make_shared<ReproduceFlags>();
  CLI::App* verb = app.add_subcommand(
      "reproduce", "Compute a whole run, raw text to scores, and compare its root with the published one");
  verb->add_option("CONFIG", flags->config, "Run config, such as configs/runs/tiny.pbtxt")->required();
  add_set_flag(*verb, flags->overrides, "train.num_steps=100");
  verb->add_option("--out", flags->out, "Folder of the run (default runs/NAME)");
  add_ranks_flag(*verb, flags->ranks);
  add_threads_flag(*verb, flags->threads, "Threads per process (default: the cores, shared by the ranks)");
  verb->add_flag("--overwrite", flags->overwrite,
                 "Delete the run that is in the folder, whatever its recipe, and compute anew");
  verb->add_flag("--publish", flags->publish, "Write the manifest beside CONFIG as the published one");
  verb->add_flag("--json", flags->json, "Print the report as JSON on stdout");
  add_quiet_flag(*verb, flags->quiet);
  verb->footer(
      "Exit code 0: the root is the published one or, where none is published, that of the finished run in the\n"
      "folder, or there is none to compare with; 1: it differs, and the first artefact that differs is named. A\n"
      "finished run of the recipe in the folder stays as it is and is computed again in RUN/again, which goes when\n"
      "the root is the same, and stays otherwise.\n\nExample:\n  reprise reproduce "
      "configs/runs/tiny.pbtxt --ranks 2 --out runs/again");
  verb->callback([flags, &context] { run(*flags, context); });
}

}  // namespace reprise::app
