#include "lineage.h"

#include "reprise/core/error.h"
#include "reprise/train/trainer.h"

namespace reprise::train {
namespace {

Digest root_of(const configs::Parent& parent) { return Digest::from_hex(parent.root()).value_or_throw(); }

void require_parent(const RunFolder& folder, const configs::Recipe& recipe, const checkpoints::CheckpointInfo& found) {
  REPRISE_REQUIRE(
      found.root == root_of(recipe.parent()) && found.header.step == recipe.parent().step(), ErrorKind::kCheckpoint,
      fmt::format("{} is step {} with root {}; the recipe names step {} with root {}", folder.parent().string(),
                  found.header.step, found.root.hex(), recipe.parent().step(), recipe.parent().root()),
      "start the run again: `reprise train --from RUN@STEP --out CHILD`");
}

void require_file(const RunFolder& folder) {
  REPRISE_REQUIRE(std::filesystem::exists(folder.parent()), ErrorKind::kCheckpoint,
                  fmt::format("the recipe goes on from another run, but {} is missing", folder.parent().string()),
                  "start the run with `reprise train --from RUN@STEP --out CHILD`, which puts the file there");
}

}  // namespace

std::uint64_t first_step(const configs::Recipe& recipe) { return recipe.has_parent() ? recipe.parent().step() : 0; }

Digest root_before(const configs::Recipe& recipe) { return recipe.has_parent() ? root_of(recipe.parent()) : Digest{}; }

data::DataStart data_start(const std::filesystem::path& run, const configs::Recipe& recipe) {
  if (!recipe.has_parent()) return {};
  if (recipe.parent().restart_data()) return {recipe.parent().step(), 0};
  const checkpoints::CheckpointInfo info = parent_info(RunFolder(run), recipe);
  return {info.header.step, info.header.next_sample};
}

std::optional<logs::ParentLink> parent_link(const configs::Recipe& recipe) {
  if (!recipe.has_parent()) return std::nullopt;
  return logs::ParentLink{recipe.parent().run(), recipe.parent().step(), root_of(recipe.parent())};
}

checkpoints::CheckpointInfo parent_info(const RunFolder& folder, const configs::Recipe& recipe) {
  require_file(folder);
  checkpoints::CheckpointInfo info = checkpoints::read_info(folder.parent());
  require_parent(folder, recipe, info);
  return info;
}

checkpoints::LoadedCheckpoint read_parent(const RunFolder& folder, const configs::Recipe& recipe,
                                          const ChunkRange& moments) {
  require_file(folder);
  checkpoints::LoadedCheckpoint loaded = checkpoints::read_checkpoint(folder.parent(), moments);
  require_parent(folder, recipe, loaded.info);
  return loaded;
}

void continue_header(const checkpoints::CheckpointInfo& parent, const configs::Recipe& recipe,
                     checkpoints::Header& header) {
  header.step = parent.header.step;
  header.tokens_seen = parent.header.tokens_seen;
  header.next_sample = recipe.parent().restart_data() ? 0 : parent.header.next_sample;
  header.previous_root = parent.root;
  if (recipe.parent().reset_optimizer()) return;  // the header says already that no update was made
  header.adam_step = parent.header.adam_step;
  header.beta1_power = parent.header.beta1_power;
  header.beta2_power = parent.header.beta2_power;
}

}  // namespace reprise::train
