// What a run says of its checkpoints, for the verbs that hold files against it.

#include "checkpoint_verbs.h"
#include "reprise/configs/checkpoint_schedule.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/logs/run_log.h"

namespace reprise::app {

std::optional<checkpoints::Ledger> ledger_of(const std::filesystem::path& run) {
  const std::filesystem::path file = run / "run.log";
  if (!std::filesystem::exists(file)) return std::nullopt;
  const logs::RunLog log = logs::read_intact_records(file);
  checkpoints::Ledger ledger;
  ledger.recipe_hash = log.records.front().header->recipe_hash;
  ledger.data_root = log.records.front().header->data_root;
  for (const logs::RunRecord& record : log.records) {
    if (record.checkpoint) ledger.roots[record.checkpoint->step] = record.checkpoint->root;
    if (record.step) ledger.states[record.step->step] = record.step->state;
  }
  const configs::Recipe recipe = configs::resolve(configs::load_config(run / "recipe.pbtxt")).recipe();
  for (const auto& [step, root] : ledger.roots) {
    if (configs::is_anchor(recipe, step)) ledger.moments.insert(step);
  }
  ledger.finished = ledger.states.contains(recipe.train().num_steps());
  // Damage behind the record of the last checkpoint hides nothing; other damage, which this throws, may.
  if (log.torn_tail && !ledger.roots.contains(recipe.train().num_steps())) logs::read_run_log(file);
  return ledger;
}

std::string wrong_recipe_text(const checkpoints::CheckpointInfo& info) {
  try {
    configs::parse_hashed_recipe(info.header.recipe_text, info.path.string() + ": recipe_text",
                                 info.header.recipe_hash);
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace reprise::app
