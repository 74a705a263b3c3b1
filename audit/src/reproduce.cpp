#include "reprise/audit/reproduce.h"

#include <fmt/core.h>

#include <memory>
#include <new>

#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/folder_lock.h"
#include "reprise/data_pipeline/token_build.h"
#include "reprise/logs/run_log.h"
#include "reprise/model/schema.h"
#include "reprise/train/holds_run.h"
#include "reprise/train/parameter_groups.h"
#include "settle_folder.h"
#include "stopwatch.h"

namespace reprise::audit {
namespace {

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
std::optional<eval::Baselines> find_baselines(const std::filesystem::path& run_dir, const ReproduceOptions& options,
                                              ProgressSink& progress) {
  std::string reason = "out of memory";
  try {
    return eval::compute_baselines(run_dir, progress);
  } catch (const std::bad_alloc&) {
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kOutOfMemory) throw;
    reason = error.what();
  }
  options.say("warning: no baselines: " + reason);
  return std::nullopt;
}

void evaluate(const configs::RunConfig& config, const std::filesystem::path& run_dir, const ReproduceOptions& options,
              ReproduceReport& report, Stopwatch& watch, ProgressSink& progress) {
  eval::EvalOptions eval_options;
  eval_options.run_dir = run_dir;
  eval_options.num_threads = options.num_threads;
  eval_options.device = device_of_run(config);
  const eval::EvalResult results = eval::evaluate_run(config.recipe(), eval_options, progress);
  eval::write_results(run_dir, results);
  report.last = results.checkpoints.back();
  report.phases.push_back(evaluation_phase(results, watch.lap()));
  if (options.baselines) {
    report.baselines = find_baselines(run_dir, options, progress);
    if (report.baselines) report.phases.push_back(baselines_phase(*report.baselines, watch.lap()));
  }
}

/// Throws where the config alone shows that a later phase would fail.
void require_possible(const configs::RunConfig& config) {
  const configs::Recipe recipe = configs::resolve(config).recipe();
  const configs::AdamW& adamw = recipe.train().adamw();
  eval::require_suite(recipe);
  data::require_usable_tokenizer(recipe.tokenizer(), {});
  train::tensor_updates(
      adamw, model::parameter_layout(recipe.model(), recipe.tokenizer().vocab_size(), adamw.decay_embeddings()));
  device_of_run(config);
}

std::optional<Manifest> published_manifest(const ReproduceOptions& options) {
  if (options.published.empty() || !std::filesystem::exists(options.published)) return std::nullopt;
  return read_manifest(options.published);
}

/// Compares with the finished run of the folder. The same run need not be there twice: what was computed goes then, and
/// has a manifest, which says that it is finished, only where it stays.
void compare_with_earlier(const Manifest& earlier, const ReproduceOptions& options, ReproduceReport& report) {
  report.previous_root = earlier.root();
  report.previous_difference = first_difference(earlier, report.manifest);
  if (report.previous_difference) return;
  try {
    remove_again(options.run_dir);
  } catch (const Error& error) {
    options.say(fmt::format("warning: what was computed again stays: {}", error.what()));
  }
}

void keep(const Place& place, const ReproduceOptions& options, const ReproduceReport& report) {
  write_file_atomically(place.folder / "manifest.json", to_json(report.manifest, true));
  if (!place.earlier) return;
  options.say(fmt::format("the run in {} has another root: {}; first difference: {}; the new one stays in {}",
                          options.run_dir.string(), report.previous_root->hex(), *report.previous_difference,
                          place.folder.string()));
}

void compare(const std::optional<Manifest>& published, const Place& place, const ReproduceOptions& options,
             ReproduceReport& report) {
  if (published) {
    report.published_root = published->root();
    report.first_difference = first_difference(*published, report.manifest);
  }
  if (place.earlier) compare_with_earlier(*place.earlier, options, report);
  if (!place.earlier || report.previous_difference) keep(place, options, report);
}

}  // namespace

ReproduceReport reproduce(const configs::RunConfig& config, const ReproduceOptions& options, ProgressSink& progress) {
  REPRISE_REQUIRE(!config.recipe().has_parent(), ErrorKind::kUsage,
                  fmt::format("the recipe goes on from step {} of {}: the run is not made from raw text alone",
                              config.recipe().parent().step(), config.recipe().parent().run()),
                  "start it with `reprise train --from RUN@STEP CONFIG --out CHILD`");
  require_possible(config);
  const std::optional<Manifest> published = published_manifest(options);
  ReproduceReport report;
  const Place place = settle_folder(config, options);
  const bool resume = train::holds_run(place.folder);
  data::BuildOptions build;
  build.corpus_dir = config.runtime().corpus_dir();
  build.output_dir = place.folder;
  build.accept_changed_corpus = true;
  build.num_threads = options.num_threads;
  report.phases = prepare_data(config, build, options.say, progress).phases;

  Stopwatch watch;
  if (resume) options.say(fmt::format("going on with the interrupted run in {}", place.folder.string()));
  report.training_exit_code = options.run_training(place.folder, resume);
  if (report.training_exit_code != 0) return report;
  report.phases.push_back(training_phase(place.folder, watch.lap()));

  // Training had a lock of its own. Behind it nobody must go on with this run, or take it for a finished one,
  // meanwhile. (That of `place` is on the folder with the finished run, where there is one.)
  const FolderLock computed(place.folder);
  evaluate(config, place.folder, options, report, watch, progress);
  report.manifest = build_manifest(config.recipe(), place.folder);
  compare(published, place, options, report);
  report.phases.push_back({"manifest", watch.lap(), fmt::format("{} artefacts", report.manifest.artefacts.size())});
  return report;
}

}  // namespace reprise::audit
