#include "reprise/audit/reproduce.h"

#include <fmt/core.h>

#include <array>
#include <system_error>

#include "holds_run.h"
#include "holds_run.h"
#include "reprise/configs/config.h"
#include "reprise/core/device_name.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/logs/run_log.h"
#include "reprise/numerics/find_device.h"
#include "stopwatch.h"

namespace reprise::audit {
namespace {

/// What a run folder consists of; nothing else in it is ever touched.
constexpr std::array<const char*, 10> kRunEntries = {"manifest.json", "recipe.pbtxt", "data",    "tokenizer",
                                                     "shards",        "checkpoints",  "run.log", "session.log",
                                                     "eval",          "parent.h5"};

enum class FolderState { kNew, kInterrupted, kComplete };

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

void remove_run(const std::filesystem::path& run_dir) {
  for (const char* entry : kRunEntries) {
    std::error_code error;
    std::filesystem::remove_all(run_dir / entry, error);
    REPRISE_REQUIRE(!error, ErrorKind::kIo,
                    fmt::format("cannot remove {}: {}", (run_dir / entry).string(), error.message()),
                    system_hint(error.value()));
  }
}

/// Looks at what is in the folder and makes room for the run, or refuses.
FolderState settle_folder(const configs::Recipe& recipe, const ReproduceOptions& options) {
  const std::filesystem::path recipe_path = options.run_dir / "recipe.pbtxt";
  if (!is_there(recipe_path)) {
    REPRISE_REQUIRE(!holds_run(options.run_dir) || options.overwrite, ErrorKind::kCheckpoint,
                    fmt::format("{} holds a run without its recipe", options.run_dir.string()),
                    "choose another folder with --out, or replace the run with --overwrite");
    remove_run(options.run_dir);
    return FolderState::kNew;
  }
  const Digest found = configs::recipe_hash(configs::load_config(recipe_path).recipe());
  const Digest wanted = configs::recipe_hash(recipe);
  if (found != wanted) {
    REPRISE_REQUIRE(options.overwrite, ErrorKind::kCheckpoint,
                    fmt::format("{} holds a run of another recipe: found {}, wanted {}", options.run_dir.string(),
                                found.hex(), wanted.hex()),
                    "choose another folder with --out, or replace that run with --overwrite");
    remove_run(options.run_dir);
    return FolderState::kNew;
  }
  if (is_there(options.run_dir / "manifest.json") || options.overwrite) {
    options.say(
        fmt::format("{} holds a run of this recipe; computing it again from nothing", options.run_dir.string()));
    remove_run(options.run_dir);
    return FolderState::kComplete;
  }
  return FolderState::kInterrupted;
}

/// True when the training part of an interrupted run can go on.
bool can_resume(const std::filesystem::path& run_dir) {
  return is_there(run_dir / "run.log") && is_there(run_dir / "checkpoints");
}

Phase training_phase(const std::filesystem::path& run_dir, double seconds) {
  const logs::RunLog log = logs::read_run_log(run_dir / "run.log");
  std::uint64_t steps = 0, tokens = 0, saved = 0;
  double loss = 0;
  for (const logs::RunRecord& record : log.records) {
    if (record.checkpoint) ++saved;
    if (!record.step) continue;
    steps = record.step->step;
    tokens = record.step->tokens_seen;
    loss = record.step->loss;
  }
  return {"training", seconds,
          fmt::format("{} steps, {} tokens, {:.0f} tokens/s, loss {:.4f}, {} checkpoints", steps, tokens,
                      static_cast<double>(tokens) / seconds, loss, saved)};
}

const eval::HeldOutGroup* find_group(const eval::CheckpointResult& result, std::string_view name) {
  for (const eval::HeldOutGroup& group : result.held_out) {
    if (group.name == name) return &group;
  }
  return nullptr;
}

Phase evaluation_phase(const eval::EvalResult& results, double seconds) {
  const eval::CheckpointResult& last = results.checkpoints.back();
  std::string figures = fmt::format("{} checkpoints", results.checkpoints.size());
  for (const char* name : {"all", "en"}) {
    if (const eval::HeldOutGroup* group = find_group(last, name)) {
      figures += group->num_bytes == 0 ? fmt::format(", no held-out text ({})", name)
                                       : fmt::format(", {:.4f} bits per byte ({})", group->bits_per_byte, name);
    }
  }
  if (!last.pairs.empty() && last.pairs.front().num_pairs > 0) {
    figures += fmt::format(", minimal pairs {:.3f}", static_cast<double>(last.pairs.front().num_correct) /
                                                         static_cast<double>(last.pairs.front().num_pairs));
  }
  return {"evaluation", seconds, figures};
}

Phase baselines_phase(const eval::Baselines& baselines, double seconds) {
  const auto value = [](const std::map<std::string, double>& of) {
    const auto found = of.find("en");
    return found == of.end() ? std::string("none") : fmt::format("{:.4f}", found->second);
  };
  return {"baselines", seconds,
          fmt::format("bits per byte (en): bigram {}, 5-gram {}, xz {}", value(baselines.bigram),
                      value(baselines.five_gram), value(baselines.xz))};
}

/// The GPU that trained a run evaluates it too; null: the CPU.
std::shared_ptr<numerics::Device> evaluation_device(const configs::RunConfig& config) {
  const std::optional<DeviceName> name = parse_device_name(config.runtime().device());
  REPRISE_CHECK(name.has_value());
  return name->is_cpu ? nullptr : numerics::find_device(*name);
}

void evaluate(const configs::RunConfig& config, const ReproduceOptions& options, ReproduceReport& report,
              Stopwatch& watch, ProgressSink& progress) {
  eval::EvalOptions eval_options;
  eval_options.run_dir = options.run_dir;
  eval_options.num_threads = options.num_threads;
  eval_options.device = evaluation_device(config);
  const eval::EvalResult results = eval::evaluate_run(config.recipe(), eval_options, progress);
  eval::write_results(options.run_dir, results);
  report.last = results.checkpoints.back();
  report.phases.push_back(evaluation_phase(results, watch.lap()));
  if (options.baselines) {
    report.baselines = eval::compute_baselines(options.run_dir, progress);
    report.phases.push_back(baselines_phase(*report.baselines, watch.lap()));
  }
}

void compare(const ReproduceOptions& options, ReproduceReport& report) {
  if (options.published.empty() || !is_there(options.published)) return;
  const Manifest published = read_manifest(options.published);
  report.published_root = published.root();
  report.first_difference = first_difference(published, report.manifest);
}

}  // namespace

ReproduceReport reproduce(const configs::RunConfig& config, const ReproduceOptions& options, ProgressSink& progress) {
  REPRISE_REQUIRE(!config.recipe().has_parent(), ErrorKind::kUsage,
                  fmt::format("the recipe goes on from step {} of {}: the run is not made from raw text alone",
                              config.recipe().parent().step(), config.recipe().parent().run()),
                  "start it with `reprise train --from RUN@STEP CONFIG --out CHILD`");
  eval::require_suite(config.recipe());
  ReproduceReport report;
  const FolderState state = settle_folder(config.recipe(), options);
  const bool resume = state == FolderState::kInterrupted && can_resume(options.run_dir);
  data::BuildOptions build;
  build.corpus_dir = config.runtime().corpus_dir();
  build.output_dir = options.run_dir;
  build.accept_changed_corpus = true;
  build.num_threads = options.num_threads;
  report.phases = prepare_data(config, build, options.say, progress);

  Stopwatch watch;
  if (resume) options.say(fmt::format("going on with the interrupted run in {}", options.run_dir.string()));
  report.training_exit_code = options.run_training(resume);
  if (report.training_exit_code != 0) return report;
  report.phases.push_back(training_phase(options.run_dir, watch.lap()));

  evaluate(config, options, report, watch, progress);
  report.manifest = build_manifest(config.recipe(), options.run_dir);
  write_file_atomically(options.run_dir / "manifest.json", to_json(report.manifest, true));
  compare(options, report);
  report.phases.push_back({"manifest", watch.lap(), fmt::format("{} artefacts", report.manifest.artefacts.size())});
  return report;
}

}  // namespace reprise::audit
