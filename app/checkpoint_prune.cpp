// reprise checkpoint prune

#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint_verbs.h"
#include "json_text.h"
#include "reprise/checkpoints/prune.h"
#include "reprise/core/error.h"
#include "reprise/core/folder_lock.h"

namespace reprise::app {
namespace {

using checkpoints::PruneReport;
using nlohmann::ordered_json;

struct PruneFlags {
  std::filesystem::path run;
  std::uint64_t keep_moments = 0;
  std::uint64_t keep_every = 0;
  std::vector<std::uint64_t> keep;
  bool dry_run = false;
  bool json = false;
};

std::uint64_t bytes_freed(const PruneReport& report) {
  std::uint64_t bytes = 0;
  for (const PruneReport::Change& change : report.changed) bytes += change.bytes_freed;
  return bytes;
}

void print_json(const PruneReport& report, const PruneFlags& flags) {
  ordered_json files = ordered_json::array();
  for (const PruneReport::Change& change : report.changed) {
    files.push_back({{"step", change.step},
                     {"path", change.path.string()},
                     {"what", change.whole_file ? "file" : "moments"},
                     {"bytes_freed", change.bytes_freed}});
  }
  ordered_json kept = ordered_json::array();
  for (const PruneReport::KeptBack& back : report.kept_back) {
    kept.push_back({{"step", back.step}, {"reason", back.reason}});
  }
  const ordered_json json = {
      {"dry_run", flags.dry_run}, {"bytes_freed", bytes_freed(report)}, {"pruned", files}, {"kept_back", kept}};
  fmt::print("{}\n", json_text(json));
}

void prune(const PruneFlags& flags) {
  checkpoints::PruneRule rule;
  if (flags.keep_moments > 0) rule.keep_moments = flags.keep_moments;
  if (flags.keep_every > 0) rule.keep_every = flags.keep_every;
  rule.keep_steps.insert(flags.keep.begin(), flags.keep.end());
  REPRISE_REQUIRE(rule.keep_moments || rule.keep_every || !rule.keep_steps.empty(), ErrorKind::kUsage,
                  "nothing says what to keep", "give --keep-moments N, --keep-every N or --keep STEP...");
  const std::filesystem::path folder = checkpoint_folder(flags.run);
  std::optional<FolderLock> lock;  // a run that goes on at the same time writes here too
  if (!flags.dry_run) lock.emplace(flags.run);
  const PruneReport report = checkpoints::prune_checkpoints(folder, rule, flags.dry_run);
  if (flags.json) return print_json(report, flags);
  for (const PruneReport::Change& change : report.changed) {
    fmt::print("{:<22} {}\n", change.path.filename().string(), change.whole_file ? "deleted" : "moments taken out");
  }
  for (const PruneReport::KeptBack& back : report.kept_back) {
    fmt::print("step {:<17} kept: {}\n", back.step, back.reason);
  }
  fmt::print("{} file(s) {}, {}{} bytes freed\n", report.changed.size(), flags.dry_run ? "would be pruned" : "pruned",
             flags.dry_run ? "about " : "", bytes_freed(report));
}

}  // namespace

void add_prune_verb(CLI::App& checkpoint) {
  const auto flags = std::make_shared<PruneFlags>();
  CLI::App* verb = checkpoint.add_subcommand("prune", "Take moments out of checkpoints, or delete files");
  verb->add_option("RUN", flags->run, "Run folder, such as runs/tiny")->required();
  const CLI::Range positive(std::uint64_t{1}, std::uint64_t{1} << 62);
  verb->add_option("--keep-moments", flags->keep_moments, "Keep moments in this many of the newest that have them")
      ->check(positive);
  verb->add_option("--keep-every", flags->keep_every, "Delete checkpoints but at multiples of this step")
      ->check(positive);
  verb->add_option("--keep", flags->keep, "Delete checkpoints but these steps (with --keep-every: and these)");
  verb->add_flag("--dry-run", flags->dry_run, "Say what would be done, and change nothing");
  verb->add_flag("--json", flags->json, "Print what was done as JSON");
  verb->footer(
      "Kept in any case: the newest checkpoint, the one that the run would resume from, and anchors of files that "
      "stay.\n"
      "What went is recorded in checkpoints/pruned.json; `reprise checkpoint materialize` computes any step again.\n\n"
      "Example:\n  reprise checkpoint prune runs/tiny --keep-moments 2 --dry-run");
  verb->callback([flags] { prune(*flags); });
}

}  // namespace reprise::app
