#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "checkpoint_verbs.h"
#include "commands.h"
#include "death_watch.h"
#include "json_text.h"
#include "launch.h"
#include "program_of.h"
#include "reprise/configs/batch_plan.h"
#include "reprise/configs/checkpoint_schedule.h"
#include "reprise/configs/config.h"
#include "reprise/configs/profile.h"
#include "reprise/core/error.h"
#include "reprise/core/print_note.h"
#include "reprise/core/shell_line.h"
#include "reprise/core/stop.h"
#include "reprise/dist/communicator.h"
#include "reprise/dist/exchange_volume.h"
#include "reprise/eval/evaluate.h"
#include "reprise/logs/progress_bar.h"
#include "reprise/model/schema.h"
#include "reprise/train/fork.h"
#include "reprise/train/memory_plan.h"
#include "reprise/train/parameter_groups.h"
#include "reprise/train/trainer.h"
#include "restart.h"
#include "run_flags.h"

namespace reprise::app {
namespace {

struct TrainFlags {
  std::string config;
  std::vector<std::string> overrides;
  std::string out;
  std::string resume;
  std::string hostfile;
  std::string from;
  int ranks = 0;
  int threads = 0;
  int grains_per_forward = 0;
  int restarts = 0;
  bool dry_run = false;
  bool json = false;
  bool quiet = false;
};

std::filesystem::path recipe_path_of(const TrainFlags& flags) {
  const std::filesystem::path path = std::filesystem::path(flags.resume) / "recipe.pbtxt";
  REPRISE_REQUIRE(std::filesystem::exists(path), ErrorKind::kCheckpoint,
                  fmt::format("{} holds no run to resume: recipe.pbtxt is missing", flags.resume),
                  fmt::format("start one with `reprise train CONFIG --out {}`", shell_line({flags.resume})));
  return path;
}

/// What each parameter group takes, so that a glob that takes too much is seen before the run.
nlohmann::ordered_json parameter_groups(const configs::AdamW& recipe, const TensorLayout& layout) {
  const std::vector<train::TensorUpdate> updates = train::tensor_updates(recipe, layout);
  nlohmann::ordered_json groups = nlohmann::ordered_json::array();
  for (int i = 0; i < recipe.group_size(); ++i) {
    std::int64_t tensors = 0;
    std::int64_t parameters = 0;
    for (std::size_t k = 0; k < updates.size(); ++k) {
      if (updates[k].group != i) continue;
      ++tensors;
      parameters += layout.entries()[k].spec.num_elements();
    }
    groups.push_back({{"tensors", tensors}, {"parameters", parameters}});
  }
  return groups;
}

/// RUN@STEP of --from.
train::ForkOptions fork_of(const TrainFlags& flags) {
  const std::optional<RunAndStep> place = run_and_step(flags.from);
  REPRISE_REQUIRE(place, ErrorKind::kUsage, fmt::format("--from takes RUN@STEP, not '{}'", flags.from),
                  "for example --from runs/tiny@128");
  REPRISE_REQUIRE(!flags.out.empty() && flags.resume.empty(), ErrorKind::kUsage,
                  "--from starts a new run: it needs --out CHILD and goes without --resume",
                  "go on with a child that was stopped: `reprise train --resume CHILD`");
  train::ForkOptions options;
  options.parent = place->run;
  options.step = place->step;
  options.config = flags.config;
  options.overrides = flags.overrides;
  options.child = flags.out;
  return options;
}

/// A CONFIG given along with --resume is checked by the trainer, which knows the recipe the checkpoints were made by.
configs::RunConfig load_file(const TrainFlags& flags) {
  if (!flags.from.empty()) return train::plan_fork(fork_of(flags));
  if (flags.resume.empty() && flags.config.empty()) {
    throw Error(ErrorKind::kUsage, "train needs a CONFIG, --resume RUN or --from RUN@STEP",
                "see `reprise train --help`");
  }
  if (!flags.resume.empty() && !flags.out.empty()) {
    throw Error(ErrorKind::kUsage, "--resume names the run folder, so --out cannot be given too", "leave --out away");
  }
  const std::filesystem::path path = flags.config.empty() ? recipe_path_of(flags) : std::filesystem::path(flags.config);
  return configs::load_config(path, flags.overrides);
}

configs::RunConfig load(const TrainFlags& flags) {
  configs::RunConfig config = load_file(flags);
  // The recipe of a run stays as it is, so that one with a suite that cannot be made would never be evaluated.
  if (flags.resume.empty()) eval::require_suite(config.recipe());
  const std::string& folder = flags.resume.empty() ? flags.out : flags.resume;
  if (!folder.empty()) config.mutable_runtime()->set_output_dir(folder);
  if (flags.ranks > 0) config.mutable_runtime()->set_num_ranks(static_cast<std::uint32_t>(flags.ranks));
  if (flags.threads > 0) config.mutable_runtime()->set_num_threads(static_cast<std::uint32_t>(flags.threads));
  if (flags.grains_per_forward > 0) {
    config.mutable_runtime()->set_grains_per_forward(static_cast<std::uint32_t>(flags.grains_per_forward));
  }
  return config;
}

/// Ranks, threads and what the rank that holds most needs, in bytes.
void add_memory(const configs::RunConfig& config, nlohmann::ordered_json& plan) {
  const auto num_ranks = static_cast<int>(config.runtime().num_ranks());
  const int num_threads = threads_per_rank(config, num_ranks);
  // NCCL takes the GPU of a rank's place, as "cuda" does.
  const bool between_gpus = config.runtime().device() == "cuda" && dist::chosen_backend() == "nccl";
  const train::MemoryPlan memory = train::plan_memory(config, num_ranks, num_threads, between_gpus);
  plan["ranks"] = num_ranks;
  plan["threads_per_rank"] = num_threads;
  plan["memory_weights"] = memory.weights;
  plan["memory_moments"] = memory.moments;
  plan["memory_gradients"] = memory.gradients;
  plan["memory_exchange"] = memory.exchange;
  plan["memory_activations"] = memory.activations;
  plan["memory_checkpoint_copy"] = memory.checkpoint;
  plan["memory_program"] = memory.program;
  plan["memory_per_rank"] = memory.total();
  if (memory.gpu > 0) plan["memory_gpu"] = memory.gpu;
}

/// What the rank with most of it computes, and sends for gradients and weights, in one step.
void add_exchange(std::int64_t num_grains, const TensorLayout& layout, int num_ranks, nlohmann::ordered_json& plan) {
  const dist::ExchangeVolume volume = dist::exchange_volume(num_grains, num_ranks, layout.num_chunks());
  plan["most_grains_of_a_rank"] = volume.most_leaves();
  plan["most_bytes_sent_per_step"] = volume.most_bytes_sent();
}

void print_plan(const configs::RunConfig& given, bool as_json) {
  const configs::RunConfig config = configs::resolve(given);
  const configs::TrainRecipe& recipe = config.recipe().train();
  const TensorLayout layout = model::parameter_layout(config.recipe().model(), config.recipe().tokenizer().vocab_size(),
                                                      recipe.adamw().decay_embeddings());
  const std::vector<std::uint64_t> steps = configs::checkpoint_steps(config.recipe());
  const auto is_anchor = [&](std::uint64_t step) { return configs::is_anchor(config.recipe(), step); };
  const auto num_anchors = static_cast<std::uint64_t>(std::count_if(steps.begin(), steps.end(), is_anchor));
  const auto weight_bytes = static_cast<std::uint64_t>(layout.num_parameters()) * sizeof(float);
  nlohmann::ordered_json plan;
  plan["run_dir"] = configs::output_folder(config).string();
  // Without the root of a parent's step that is to be computed again the hash is not known.
  const bool has_hash = config.recipe().parent().root() != Digest{}.hex();
  plan["recipe_hash"] = has_hash ? configs::recipe_hash(config.recipe()).hex() : "";
  plan["parameters"] = layout.num_parameters();
  if (recipe.adamw().group_size() > 0) plan["parameter_groups"] = parameter_groups(recipe.adamw(), layout);
  plan["steps"] = recipe.num_steps();
  if (config.recipe().has_parent()) plan["first_step"] = config.recipe().parent().step() + 1;
  plan["tokens_per_step"] = std::uint64_t{recipe.batch_sequences()} * recipe.sequence_length();
  plan["grains_per_step"] = recipe.batch_sequences() / configs::sequences_per_leaf(config.recipe());
  if (recipe.batch_warmup_size() > 0) {
    const configs::BatchPlan batches(recipe);
    plan["batch_warmup_steps"] = batches.warmup_steps();
    plan["tokens"] = batches.tokens_behind(recipe.num_steps());
  }
  plan["checkpoints"] = steps.size();
  plan["checkpoints_with_moments"] = num_anchors;
  plan["checkpoint_tensor_bytes"] = (steps.size() + 2 * num_anchors) * weight_bytes;
  add_memory(config, plan);
  const auto num_grains = plan["grains_per_step"].get<std::int64_t>();
  add_exchange(num_grains, layout, static_cast<int>(config.runtime().num_ranks()), plan);
  if (as_json) {
    fmt::print("{}\n", json_text(plan));
    return;
  }
  fmt::print("{}\n", configs::to_text(config));
  for (const auto& [name, value] : plan.items()) {
    fmt::print("# {:<26} {}\n", name, value.is_string() ? value.get<std::string>() : value.dump());
  }
}

void print_summary(const train::TrainSummary& summary, bool as_json) {
  const bool was_finished = summary.last_step == summary.first_step;  // no step was left, so there are no figures
  if (as_json) {
    const nlohmann::ordered_json none;
    const nlohmann::ordered_json json = {
        {"first_step", summary.first_step},
        {"last_step", summary.last_step},
        {"seconds", summary.seconds},
        {"tokens_per_second", was_finished ? none : nlohmann::ordered_json(summary.tokens_per_second)},
        {"final_loss", was_finished ? none : nlohmann::ordered_json(summary.final_loss)},
        {"final_root", summary.final_root.hex()},
        {"run_log", summary.run_log.hex()},
        {"stopped_by_signal", summary.stopped_by_signal}};
    fmt::print("{}\n", json_text(json));
    return;
  }
  if (was_finished) {
    fmt::print("the run is finished already: {} is its last step\n", summary.last_step);
  } else {
    fmt::print("steps {} to {} in {:.1f} s, {:.0f} tokens/s, loss {:.4f}\n", summary.first_step, summary.last_step,
               summary.seconds, summary.tokens_per_second, summary.final_loss);
  }
  fmt::print("last checkpoint root {}\nrun.log chain {}\n", summary.final_root.hex(), summary.run_log.hex());
}

/// Fills the folder of a run that goes on from another one. Returns false when it was stopped.
bool prepare(const TrainFlags& flags, configs::RunConfig& config, Context& context, dist::Communicator& communicator,
             ProgressSink& progress) {
  if (flags.from.empty()) return true;
  const train::ForkOptions fork = fork_of(flags);
  const train::ForkResult made =
      train::prepare_fork(fork, config, threads_per_rank(config, communicator.size()), communicator, progress);
  config = made.config;
  if (made.stopped_by_signal != 0) context.status = 128 + made.stopped_by_signal;
  if (communicator.rank() != 0) return made.stopped_by_signal == 0;
  if (made.stopped_by_signal != 0) {
    print_note("stopped before the first step; start again with the same command\n");
  } else {
    print_note(
        "{} goes on from {}; the data {}\n", fork.child.string(), flags.from,
        config.recipe().parent().restart_data() ? "is read from its beginning" : "is read on where the parent was");
  }
  return made.stopped_by_signal == 0;
}

/// Goes on with a stopped run: its recipe is in its folder, what it ran on is not.
std::string command_to_resume(const TrainFlags& flags, const configs::Runtime& runtime, const std::string& run_dir) {
  std::vector<std::string> words = {"reprise", "train", "--resume", run_dir};
  if (runtime.num_ranks() > 1) words.insert(words.end(), {"--ranks", std::to_string(runtime.num_ranks())});
  if (!flags.hostfile.empty()) words.insert(words.end(), {"--hostfile", flags.hostfile});
  const std::vector<std::string> overrides = runtime_overrides(runtime);
  words.insert(words.end(), overrides.begin(), overrides.end());
  return shell_line(words);
}

/// The same command begins a run once only: behind a lost rank or an error of the system the hint says how this one
/// goes on.
Error with_command_to_resume(const Error& error, const std::string& command) {
  const std::string hint = error.hint().empty() ? "" : error.hint() + "; ";
  return Error(error.kind(), error.what(), fmt::format("{}the run that has begun goes on with `{}`", hint, command));
}

train::TrainSummary train_or_say_how_to_go_on(const TrainFlags& flags, const configs::RunConfig& config,
                                              const train::TrainOptions& options, dist::Communicator& communicator,
                                              ProgressSink& progress) {
  const std::filesystem::path run_log = options.run_dir / "run.log";
  const bool had_begun = std::filesystem::exists(run_log);
  try {
    return train::train(config, options, communicator, progress);
  } catch (const Error& error) {
    const bool is_this_run = options.resume || !had_begun;  // and not one that stands in the folder
    const bool says_how =
        (error.kind() == ErrorKind::kDistributed && is_this_run) || (error.kind() == ErrorKind::kIo && !had_begun);
    if (!says_how || !std::filesystem::exists(run_log)) throw;
    throw with_command_to_resume(error, command_to_resume(flags, config.runtime(), options.run_dir.string()));
  }
}

/// Trains in this process: the only rank, or one of those that mpirun started.
void train_here(const TrainFlags& flags, configs::RunConfig config, Context& context) {
  const StopHandlers handlers;
  const auto communicator = dist::make_communicator();
  DeathWatch watch(*communicator);
  try {
    check_ranks(flags.ranks, *communicator);
    const auto progress = logs::make_progress(flags.quiet || communicator->rank() != 0);
    if (!prepare(flags, config, context, *communicator, *progress)) return;
    train::TrainOptions options;
    options.run_dir = configs::output_folder(config);
    options.num_threads = threads_per_rank(config, communicator->size());
    options.compute = train::compute_settings(config.runtime());
    options.watchdog = std::chrono::seconds(config.runtime().watchdog_seconds());
    options.resume = !flags.resume.empty();
    options.program = program_of(context);
    const train::TrainSummary summary = train_or_say_how_to_go_on(flags, config, options, *communicator, *progress);
    if (communicator->rank() == 0) print_summary(summary, flags.json);
    if (summary.stopped_by_signal != 0) {
      context.status = 128 + summary.stopped_by_signal;
      if (communicator->rank() == 0) {
        print_note("stopped at step {}; go on with: {}\n", summary.last_step,
                   command_to_resume(flags, config.runtime(), options.run_dir.string()));
      }
    }
  } catch (const std::exception&) {
    watch.disarm();
    let_first_rank_speak(*communicator);
    throw;
  }
}

/// Starts the ranks; the config in the run folder and the given runtime start them again after one was lost.
int start_ranks(const TrainFlags& flags, const configs::RunConfig& config, const Context& context) {
  const dist::Launch launch = launch_of(config, flags.hostfile);
  if (flags.restarts == 0) return run_ranks(launch, context.command_line);
  Restarts restarts;
  restarts.allowed = flags.restarts;
  restarts.run_dir = configs::output_folder(config);
  restarts.had_log = std::filesystem::exists(restarts.run_dir / "run.log");
  restarts.start = without_option(without_option(context.command_line, "--restart"), "--ranks");
  restarts.resume = [&] {
    std::vector<std::string> words = {context.command_line.front(), "train", "--resume", restarts.run_dir.string()};
    const std::vector<std::string> overrides = runtime_overrides(config.runtime());
    words.insert(words.end(), overrides.begin(), overrides.end());
    if (!flags.hostfile.empty()) words.insert(words.end(), {"--hostfile", flags.hostfile});
    if (flags.json) words.emplace_back("--json");
    if (flags.quiet) words.emplace_back("--quiet");
    return words;
  };
  return run_ranks_with_restarts(launch, restarts);
}

void run(const TrainFlags& flags, Context& context) {
  const configs::RunConfig config = load(flags);
  REPRISE_REQUIRE(flags.hostfile.empty() || config.runtime().num_ranks() > 1 || dist::launched_by_mpi(),
                  ErrorKind::kUsage, "--hostfile was given, but only one rank is to run", "give --ranks too");
  REPRISE_REQUIRE(
      flags.restarts == 0 || !dist::launched_by_mpi(), ErrorKind::kUsage,
      "--restart was given under mpirun, which ends all ranks when one is lost",
      "start with `reprise train --ranks N --restart M`, which runs mpirun itself, or leave --restart away");
  if (flags.dry_run) {
    print_plan(config, flags.json);
  } else if ((config.runtime().num_ranks() > 1 || flags.restarts > 0) && !dist::launched_by_mpi()) {
    context.status = start_ranks(flags, config, context);
  } else {
    train_here(flags, config, context);
  }
}

}  // namespace

void add_train_command(CLI::App& app, Context& context) {
  const auto flags = std::make_shared<TrainFlags>();
  CLI::App* verb = app.add_subcommand("train", "Train on the token shards of a run folder, or resume a run");
  verb->add_option("CONFIG", flags->config, "Run config, such as configs/runs/tiny.pbtxt");
  verb->add_option("--resume", flags->resume, "Continue this run folder (its own recipe is used without CONFIG)");
  verb->add_option("--from", flags->from,
                   "Start a new run from a step of another: RUN@STEP (its recipe without CONFIG)");
  add_set_flag(*verb, flags->overrides, "train.num_steps=100");
  verb->add_option("--out", flags->out, "Folder of the run (default runs/NAME)");
  add_ranks_flag(*verb, flags->ranks);
  verb->add_option("--hostfile", flags->hostfile, "Machines for the ranks, as mpirun takes them: NAME slots=N a line");
  add_threads_flag(*verb, flags->threads, "Threads per process (default: the cores, shared by the ranks)");
  verb->add_option("--grains-per-forward", flags->grains_per_forward,
                   "Grains that one forward pass takes (default 1); the bits do not depend on it")
      ->check(CLI::Range(1, 65536));
  verb->add_option("--restart", flags->restarts,
                   "Start again up to N times, with one rank fewer, after a rank died or got stuck")
      ->check(CLI::Range(0, 1000));
  verb->add_flag("--dry-run", flags->dry_run, "Print the resolved config and what the run would make, then stop");
  verb->add_flag("--json", flags->json, "Print the summary, or the plan, as JSON on stdout");
  add_quiet_flag(*verb, flags->quiet);
  verb->footer(
      "Ctrl-C and SIGTERM save a recovery file and exit with 128+signal; under an mpirun of your own, SIGUSR1 and\n"
      "SIGUSR2 sent to mpirun do.\n\n"
      "Examples:\n"
      "  reprise train configs/runs/tiny.pbtxt --ranks 2 --threads 1\n"
      "  reprise train --resume runs/tiny\n"
      "  reprise train --from runs/tiny@300 --set train.learning_rate.peak=1e-4 --out runs/tiny-annealed\n"
      "  mpirun --oversubscribe -n 3 reprise train configs/runs/tiny.pbtxt");
  verb->callback([flags, &context] { run(*flags, context); });
}

}  // namespace reprise::app
