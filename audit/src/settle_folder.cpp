#include "settle_folder.h"

#include <fmt/core.h>

#include <array>
#include <system_error>

#include "holds_run.h"
#include "reprise/configs/config.h"
#include "reprise/core/device_name.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/folder_lock.h"
#include "reprise/numerics/find_device.h"

namespace reprise::audit {
namespace {

/// What a run folder consists of; nothing else in it is ever touched. The manifest comes last: with it in its place a
/// run that is being set aside counts as finished still, so that a kill in between loses nothing.
constexpr std::array<const char*, 10> kRunEntries = {"data",         "tokenizer",    "shards", "checkpoints",
                                                     "run.log",      "session.log",  "eval",   "parent.h5",
                                                     "recipe.pbtxt", "manifest.json"};

constexpr char kManifest[] = "manifest.json";

std::filesystem::path previous_folder(const std::filesystem::path& run_dir) { return run_dir / "previous"; }

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

void remove_entry(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  REPRISE_REQUIRE(!error, ErrorKind::kIo, fmt::format("cannot remove {}: {}", path.string(), error.message()),
                  system_hint(error.value()));
}

void remove_run(const std::filesystem::path& run_dir) {
  for (const char* entry : kRunEntries) remove_entry(run_dir / entry);
}

void set_aside(const std::filesystem::path& run_dir) {
  const std::filesystem::path previous = previous_folder(run_dir);
  REPRISE_REQUIRE(!is_there(previous / kManifest), ErrorKind::kCheckpoint,
                  fmt::format("{} holds a finished run, and in {} an earlier one that differs from it",
                              run_dir.string(), previous.string()),
                  fmt::format("move {} away, or replace both runs with --overwrite", previous.string()));
  make_folders(previous);
  for (const char* entry : kRunEntries) {
    if (!is_there(run_dir / entry)) continue;
    remove_entry(previous / entry);  // what a stopped remove_previous() left
    rename_file(run_dir / entry, previous / entry);
  }
}

/// Throws where the run could not even begin.
void require_able(const configs::RunConfig& config) {
  device_of_run(config);
  if (!config.runtime().has_assembly()) data::require_inputs(config.recipe().data(), config.runtime().corpus_dir());
}

FolderState settle_run(const configs::RunConfig& config, const ReproduceOptions& options) {
  const std::filesystem::path& folder = options.run_dir;
  const Digest found = configs::recipe_hash(configs::load_config(folder / "recipe.pbtxt").recipe());
  const Digest wanted = configs::recipe_hash(config.recipe());
  REPRISE_REQUIRE(
      found == wanted || options.overwrite, ErrorKind::kCheckpoint,
      fmt::format("{} holds a run of another recipe: found {}, wanted {}", folder.string(), found.hex(), wanted.hex()),
      "choose another folder with --out, or replace that run with --overwrite");
  if (!options.overwrite && !is_there(folder / kManifest)) return FolderState::kInterrupted;
  require_able(config);
  if (options.overwrite) {
    if (found == wanted) options.say(fmt::format("replacing the run in {}", folder.string()));
    remove_run(folder);
    remove_previous(folder);
  } else {
    set_aside(folder);
    options.say(
        fmt::format("{} holds a run of this recipe; computing it again from nothing, beside what is there, "
                    "which waits in {}",
                    folder.string(), previous_folder(folder).string()));
  }
  return FolderState::kNew;
}

}  // namespace

FolderState settle_folder(const configs::RunConfig& config, const ReproduceOptions& options) {
  const std::filesystem::path& folder = options.run_dir;
  if (!is_there(folder)) return FolderState::kNew;
  const FolderLock lock(folder);
  if (is_there(folder / "recipe.pbtxt")) return settle_run(config, options);
  if (is_there(folder / kManifest) && is_there(previous_folder(folder) / "recipe.pbtxt")) {
    set_aside(folder);  // what a kill left of doing so
    return FolderState::kNew;
  }
  if (!holds_run(folder)) return FolderState::kNew;
  REPRISE_REQUIRE(options.overwrite, ErrorKind::kCheckpoint,
                  fmt::format("{} holds a run without its recipe", folder.string()),
                  "choose another folder with --out, or replace the run with --overwrite");
  require_able(config);
  remove_run(folder);
  return FolderState::kNew;
}

std::optional<Manifest> previous_manifest(const std::filesystem::path& run_dir) {
  const std::filesystem::path path = previous_folder(run_dir) / kManifest;
  if (!is_there(path)) return std::nullopt;
  return read_manifest(path);
}

void remove_previous(const std::filesystem::path& run_dir) {
  remove_entry(previous_folder(run_dir) / kManifest);  // first: without it the rest stands for no run
  for (const char* entry : kRunEntries) remove_entry(previous_folder(run_dir) / entry);
  std::error_code not_empty;  // somebody's own files stay
  std::filesystem::remove(previous_folder(run_dir), not_empty);
}

std::shared_ptr<numerics::Device> device_of_run(const configs::RunConfig& config) {
  const std::optional<DeviceName> name = parse_device_name(config.runtime().device());
  REPRISE_CHECK(name.has_value());
  return name->is_cpu ? nullptr : numerics::find_device(*name);
}

}  // namespace reprise::audit
