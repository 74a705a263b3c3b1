// reprise checkpoint verify

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "checkpoint_verbs.h"
#include "json_text.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/checkpoints/examine.h"
#include "reprise/checkpoints/folder.h"
#include "reprise/checkpoints/prune.h"
#include "reprise/configs/checkpoint_schedule.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/logs/progress_bar.h"
#include "reprise/train/fork.h"
#include "reprise/train/trainer.h"
#include "run_flags.h"

namespace reprise::app {
namespace {

using checkpoints::CheckpointInfo;
using checkpoints::FileKind;
using nlohmann::ordered_json;
using std::filesystem::path;

struct VerifyFlags {
  path run;
  path parent;
  bool json = false;
  bool quiet = false;
};

/// Returns the steps that the run's recipe schedules, up to the newest one there: a run may be unfinished.
std::vector<std::uint64_t> expected_steps(const configs::Recipe& recipe, const std::vector<CheckpointInfo>& present) {
  std::uint64_t newest = 0;
  for (const CheckpointInfo& info : present) {
    if (info.kind == FileKind::kScheduled) newest = std::max(newest, info.header.step);
  }
  std::vector<std::uint64_t> steps = configs::checkpoint_steps(recipe);
  std::erase_if(steps, [&](std::uint64_t step) { return step > newest; });
  return steps;
}

struct Problem {
  std::uint64_t step = 0;
  path file;
  std::string what;
  ordered_json more = ordered_json::object();  // what --json says beyond that
};

std::vector<Problem> problems_by_log(const path& folder, const checkpoints::Ledger& ledger, ProgressSink& progress) {
  bool begun = false;
  const auto show = [&](std::size_t done, std::size_t total) {
    if (!begun) progress.begin("verify", static_cast<std::int64_t>(total), "files");
    begun = true;
    progress.update(static_cast<std::int64_t>(done));
  };
  std::vector<Problem> problems;
  for (const checkpoints::Finding& found : checkpoints::examine_checkpoints(folder, ledger, show)) {
    problems.push_back({found.step, found.path, found.what, {{"kind", to_string(found.kind)}}});
    if (found.actual_step) problems.back().more["actual_step"] = *found.actual_step;
    if (!found.equals.empty()) problems.back().more["equals"] = found.equals;
  }
  if (begun) progress.end();
  return problems;
}

/// Without a log the files can only be held against each other and the recipe's schedule.
std::vector<Problem> problems_by_files(const path& run, const path& folder) {
  const std::vector<CheckpointInfo> present = checkpoints::list_checkpoints(folder);
  const configs::Recipe recipe = configs::resolve(configs::load_config(run / "recipe.pbtxt")).recipe();
  std::vector<Problem> problems;
  for (const auto& problem :
       checkpoints::verify_chain(folder, expected_steps(recipe, present), train::root_before(recipe))) {
    problems.push_back({problem.step, problem.path, problem.what});
  }
  for (const CheckpointInfo& info : present) {
    try {
      checkpoints::read_checkpoint(info.path);
    } catch (const Error& error) {
      problems.push_back({info.header.step, info.path, error.what()});
    }
  }
  return problems;
}

void add_problems_of_recipe_texts(const checkpoints::FolderScan& scan, std::vector<Problem>& problems) {
  for (const CheckpointInfo& info : scan.complete) {
    const std::string wrong = wrong_recipe_text(info);
    if (!wrong.empty()) problems.push_back({info.header.step, info.path, wrong, {{"kind", "recipe_text"}}});
  }
}

/// What was pruned: files, and moments of files that are there.
struct NumPruned {
  std::size_t files = 0;
  std::size_t moments = 0;
};

NumPruned count_pruned(const path& folder) {
  NumPruned num;
  for (const checkpoints::PrunedCheckpoint& gone : checkpoints::read_pruned(folder)) {
    ++(gone.whole_file ? num.files : num.moments);
  }
  return num;
}

void print_pruned(const NumPruned& num) {
  const char* const record = "by checkpoints/pruned.json";
  if (num.files > 0) fmt::print("{} checkpoints were pruned, {}\n", num.files, record);
  if (num.moments > 0) fmt::print("the moments of {} checkpoints were pruned, {}\n", num.moments, record);
}

/// The link to the run that this one goes on from, if any.
void add_problems_of_lineage(const VerifyFlags& flags, std::vector<Problem>& problems) {
  if (!std::filesystem::exists(flags.run / "recipe.pbtxt")) return;
  for (const std::string& problem : train::verify_link(flags.run, flags.parent)) {
    problems.push_back({0, flags.run / "parent.h5", problem});
  }
}

void print_json(const std::vector<Problem>& problems, std::size_t num_files, const NumPruned& num_pruned) {
  ordered_json json = {{"checkpoints", num_files},
                       {"pruned", num_pruned.files},
                       {"pruned_moments", num_pruned.moments},
                       {"problems", ordered_json::array()}};
  for (const Problem& problem : problems) {
    ordered_json entry = {{"step", problem.step}, {"path", problem.file.string()}, {"what", problem.what}};
    entry.update(problem.more);
    json["problems"].push_back(std::move(entry));
  }
  fmt::print("{}\n", json_text(json));
}

void verify(const VerifyFlags& flags, Context& context) {
  if (std::filesystem::is_regular_file(flags.run)) return verify_file(flags.run, flags.json, context);
  const path folder = checkpoint_folder(flags.run);
  const std::optional<checkpoints::Ledger> ledger = ledger_of(flags.run);
  const auto progress = logs::make_progress(flags.quiet);
  std::vector<Problem> problems =
      ledger ? problems_by_log(folder, *ledger, *progress) : problems_by_files(flags.run, folder);
  const checkpoints::FolderScan scan = checkpoints::scan_checkpoints(folder);
  add_problems_of_recipe_texts(scan, problems);
  add_problems_of_lineage(flags, problems);
  const std::size_t num_files = scan.complete.size() + scan.skipped.size();
  const NumPruned num_pruned = count_pruned(folder);
  if (num_files == 0 && problems.empty()) problems.push_back({0, folder, "the folder holds no checkpoint"});
  if (!problems.empty()) context.status = exit_code(ErrorKind::kCorrupt);
  if (flags.json) return print_json(problems, num_files, num_pruned);
  for (const Problem& problem : problems) {
    fmt::print("WRONG  {:<22} {}\n", problem.file.empty() ? "" : problem.file.filename().string(), problem.what);
  }
  fmt::print("{} checkpoints read, {} problems{}\n", num_files, problems.size(),
             ledger ? "" : " (there is no run.log to hold them against)");
  print_pruned(num_pruned);
}

}  // namespace

void add_verify_verb(CLI::App& checkpoint, Context& context) {
  const auto flags = std::make_shared<VerifyFlags>();
  CLI::App* verb =
      checkpoint.add_subcommand("verify", "Check every value, digest and root of a run's checkpoints, and their chain");
  verb->add_option("RUN", flags->run, "Run folder, such as runs/tiny, or one file")->required();
  verb->add_option("--parent", flags->parent, "Run that RUN goes on from: checks the link to it, too");
  verb->add_flag("--json", flags->json, "Print the problems as JSON");
  add_quiet_flag(*verb, flags->quiet);
  verb->footer("Exit code 0: all is well; 4: something is wrong.\n\nExample:\n  reprise checkpoint verify runs/tiny");
  verb->callback([flags, &context] { verify(*flags, context); });
}

}  // namespace reprise::app
