#include "reprise/audit/reproduce.h"

#include <fmt/core.h>

#include <new>

#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/logs/run_log.h"
#include "settle_folder.h"
#include "stopwatch.h"

namespace reprise::audit {
namespace {

/// True when the training part of an interrupted run can go on.
bool can_resume(const std::filesystem::path& run_dir) {
  return std::filesystem::exists(run_dir / "run.log") && std::filesystem::exists(run_dir / "checkpoints");
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

/// No root depends on the baselines: a run too large for them in this machine's memory has none.
std::optional<eval::Baselines> find_baselines(const ReproduceOptions& options, ProgressSink& progress) {
  std::string reason = "out of memory";
  try {
    return eval::compute_baselines(options.run_dir, progress);
  } catch (const std::bad_alloc&) {
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kOutOfMemory) throw;
    reason = error.what();
  }
  options.say("warning: no baselines: " + reason);
  return std::nullopt;
}

void evaluate(const configs::RunConfig& config, const ReproduceOptions& options, ReproduceReport& report,
              Stopwatch& watch, ProgressSink& progress) {
  eval::EvalOptions eval_options;
  eval_options.run_dir = options.run_dir;
  eval_options.num_threads = options.num_threads;
  eval_options.device = device_of_run(config);
  const eval::EvalResult results = eval::evaluate_run(config.recipe(), eval_options, progress);
  eval::write_results(options.run_dir, results);
  report.last = results.checkpoints.back();
  report.phases.push_back(evaluation_phase(results, watch.lap()));
  if (options.baselines) {
    report.baselines = find_baselines(options, progress);
    if (report.baselines) report.phases.push_back(baselines_phase(*report.baselines, watch.lap()));
  }
}

std::optional<Manifest> published_manifest(const ReproduceOptions& options) {
  if (options.published.empty() || !std::filesystem::exists(options.published)) return std::nullopt;
  return read_manifest(options.published);
}

/// Looks at the run that stood in the folder before. The same run is there once more, so that one goes; another stays.
void compare_with_previous(const ReproduceOptions& options, ReproduceReport& report) {
  std::optional<Manifest> previous;
  try {
    previous = previous_manifest(options.run_dir);
  } catch (const Error& error) {
    options.say(fmt::format("warning: the earlier run stays where it is: {}", error.what()));
  }
  if (!previous) return;
  report.previous_root = previous->root();
  report.previous_difference = first_difference(*previous, report.manifest);
  if (!report.previous_difference) return remove_previous(options.run_dir);
  options.say(fmt::format("the run that stood in {} had another root: {}; first difference: {}; it stays in {}",
                          options.run_dir.string(), report.previous_root->hex(), *report.previous_difference,
                          (options.run_dir / "previous").string()));
}

void compare(const std::optional<Manifest>& published, const ReproduceOptions& options, ReproduceReport& report) {
  if (published) {
    report.published_root = published->root();
    report.first_difference = first_difference(*published, report.manifest);
  }
  compare_with_previous(options, report);
}

}  // namespace

ReproduceReport reproduce(const configs::RunConfig& config, const ReproduceOptions& options, ProgressSink& progress) {
  REPRISE_REQUIRE(!config.recipe().has_parent(), ErrorKind::kUsage,
                  fmt::format("the recipe goes on from step {} of {}: the run is not made from raw text alone",
                              config.recipe().parent().step(), config.recipe().parent().run()),
                  "start it with `reprise train --from RUN@STEP CONFIG --out CHILD`");
  eval::require_suite(config.recipe());
  const std::optional<Manifest> published = published_manifest(options);
  ReproduceReport report;
  const FolderState state = settle_folder(config, options);
  const bool resume = state == FolderState::kInterrupted && can_resume(options.run_dir);
  data::BuildOptions build;
  build.corpus_dir = config.runtime().corpus_dir();
  build.output_dir = options.run_dir;
  build.accept_changed_corpus = true;
  build.num_threads = options.num_threads;
  report.phases = prepare_data(config, build, options.say, progress).phases;

  Stopwatch watch;
  if (resume) options.say(fmt::format("going on with the interrupted run in {}", options.run_dir.string()));
  report.training_exit_code = options.run_training(resume);
  if (report.training_exit_code != 0) return report;
  report.phases.push_back(training_phase(options.run_dir, watch.lap()));

  evaluate(config, options, report, watch, progress);
  report.manifest = build_manifest(config.recipe(), options.run_dir);
  write_file_atomically(options.run_dir / "manifest.json", to_json(report.manifest, true));
  compare(published, options, report);
  report.phases.push_back({"manifest", watch.lap(), fmt::format("{} artefacts", report.manifest.artefacts.size())});
  return report;
}

}  // namespace reprise::audit
