#include <algorithm>

#include "lineage.h"
#include "reprise/checkpoints/folder.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"

namespace reprise::train {
namespace {

using checkpoints::CheckpointDescription;
using checkpoints::CheckpointInfo;
using Problems = std::vector<std::string>;

/// The child's first checkpoint must hold what parent.h5 holds.
void compare_first(const RunFolder& child, const configs::Recipe& recipe, const CheckpointDescription& parent,
                   Problems& problems) {
  const auto path =
      child.checkpoints() / checkpoints::file_name(checkpoints::FileKind::kScheduled, recipe.parent().step());
  if (!std::filesystem::exists(path)) return;  // the chain of the child's checkpoints says so
  const CheckpointDescription first = checkpoints::read_description(path);
  const auto require_same = [&](const char* what, const std::vector<Digest>& ours, const std::vector<Digest>& theirs) {
    if (ours != theirs) problems.push_back(fmt::format("{} holds other {} than parent.h5", path.string(), what));
  };
  require_same("weights", first.digests.weights, parent.digests.weights);
  if (recipe.parent().reset_optimizer()) return;
  require_same("first moments", first.digests.first_moments, parent.digests.first_moments);
  require_same("second moments", first.digests.second_moments, parent.digests.second_moments);
}

/// The checkpoint record of `step`, or of the last step before it that has one.
Digest logged_root(const logs::RunLog& log, std::uint64_t step, bool before) {
  Digest root;
  for (const logs::RunRecord& record : log.records) {
    if (!record.checkpoint) continue;
    if (before ? record.checkpoint->step < step : record.checkpoint->step == step) root = record.checkpoint->root;
  }
  return root;
}

void compare_with_log(const RunFolder& run, const configs::Recipe& recipe, const CheckpointDescription& parent,
                      Problems& problems) {
  const logs::RunLog log = logs::read_run_log(run.run_log());
  const std::uint64_t step = recipe.parent().step();
  const std::string name = run.run_log().string();
  const Digest recipe_hash = log.records.front().header->recipe_hash;
  if (recipe_hash.hex() != recipe.parent().recipe_hash()) {
    problems.push_back(fmt::format("{} is of recipe {}; the child's parent has {}", name, recipe_hash.hex(),
                                   recipe.parent().recipe_hash()));
    return;  // another run: nothing else can fit
  }
  const Digest state = checkpoints::state_digest(step, parent.layout, parent.digests);
  for (const logs::RunRecord& record : log.records) {
    if (!record.step || record.step->step != step || record.step->state == state) continue;
    problems.push_back(fmt::format("{} says that the state of step {} is {}; that of parent.h5 is {}", name, step,
                                   record.step->state.hex(), state.hex()));
  }
  // Where the parent stores the step, its root is the child's parent; elsewhere parent.h5 hangs on the last one stored.
  const Digest stored = logged_root(log, step, false);
  const Digest expected = stored == Digest{} ? logged_root(log, step, true) : stored;
  const Digest found = stored == Digest{} ? parent.info.header.previous_root : parent.info.root;
  if (expected == found) return;
  problems.push_back(fmt::format("{}: the checkpoint {} step {} has root {}; parent.h5 names {}", name,
                                 stored == Digest{} ? "before" : "of", step, expected.hex(), found.hex()));
}

/// Runs `check`; an Error is a problem like any other.
template <typename Check>
void run_check(Problems& problems, const Check& check) {
  try {
    check();
  } catch (const Error& error) {
    problems.emplace_back(error.what());
  }
}

}  // namespace

std::vector<std::string> verify_link(const std::filesystem::path& child, const std::filesystem::path& parent) {
  const RunFolder folder(child);
  const configs::Recipe recipe = configs::resolve(configs::load_config(folder.recipe())).recipe();
  Problems problems;
  if (!recipe.has_parent()) {
    if (!parent.empty()) problems.push_back(fmt::format("{} goes on from no other run", child.string()));
    return problems;
  }
  run_check(problems, [&] {
    read_parent(folder, recipe, {});  // every value, too
    const CheckpointDescription description = checkpoints::read_description(folder.parent());
    run_check(problems, [&] { compare_first(folder, recipe, description, problems); });
    if (!parent.empty()) {
      run_check(problems, [&] { compare_with_log(RunFolder(parent), recipe, description, problems); });
    }
  });
  return problems;
}

}  // namespace reprise::train
