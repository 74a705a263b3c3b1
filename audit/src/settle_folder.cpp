#include "settle_folder.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "reprise/configs/config.h"
#include "reprise/core/device_name.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/folder_lock.h"
#include "reprise/numerics/find_device.h"
#include "reprise/train/holds_run.h"

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

/// What may be in previous/ while a run is being set aside: entries of the run that are not in the folder any more.
/// Anything else is somebody's own.
void require_own_previous(const std::filesystem::path& run_dir) {
  std::error_code none_there;
  for (const auto& entry : std::filesystem::directory_iterator(previous_folder(run_dir), none_there)) {
    const std::string name = entry.path().filename().string();
    const bool is_moved = std::count(kRunEntries.begin(), kRunEntries.end(), name) == 1 && !is_there(run_dir / name);
    REPRISE_REQUIRE(
        is_moved, ErrorKind::kCheckpoint,
        fmt::format("a finished run cannot be set aside: {} is in its place", entry.path().string()),
        fmt::format("move {} away, or choose another folder with --out", previous_folder(run_dir).string()));
  }
}

void set_aside(const std::filesystem::path& run_dir) {
  const std::filesystem::path previous = previous_folder(run_dir);
  if (is_there(previous / kManifest)) {
    // A kill between the new manifest and the end of the old run leaves the same one twice.
    const Digest root = read_manifest(run_dir / kManifest).root(), earlier = read_manifest(previous / kManifest).root();
    REPRISE_REQUIRE(root == earlier, ErrorKind::kCheckpoint,
                    fmt::format("{} holds a finished run with root {}, and {} an earlier one with root {}",
                                run_dir.string(), root.hex(), previous.string(), earlier.hex()),
                    fmt::format("move {} away, or replace both runs with --overwrite", previous.string()));
    remove_previous(run_dir);
  }
  require_own_previous(run_dir);
  make_folders(previous);
  for (const char* entry : kRunEntries) {
    if (is_there(run_dir / entry)) rename_file(run_dir / entry, previous / entry);
  }
}

/// Throws where the run could not even begin.
void require_able(const configs::RunConfig& config) {
  device_of_run(config);
  if (!config.runtime().has_assembly()) data::require_inputs(config.recipe().data(), config.runtime().corpus_dir());
}

/// A run that a call which did not end has set aside is what this one is compared with.
void settle_previous(const configs::RunConfig& config, const ReproduceOptions& options) {
  const std::filesystem::path previous = previous_folder(options.run_dir);
  if (!is_there(previous / "recipe.pbtxt")) return;
  if (options.overwrite) {
    require_able(config);
    return remove_previous(options.run_dir);
  }
  const Digest found = configs::recipe_hash(configs::load_config(previous / "recipe.pbtxt").recipe());
  const Digest wanted = configs::recipe_hash(config.recipe());
  REPRISE_REQUIRE(found == wanted, ErrorKind::kCheckpoint,
                  fmt::format("{} holds a finished run of another recipe: found {}, wanted {}", previous.string(),
                              found.hex(), wanted.hex()),
                  fmt::format("move {} away, or replace it with --overwrite", previous.string()));
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
  settle_previous(config, options);
  if (is_there(folder / "recipe.pbtxt")) return settle_run(config, options);
  if (is_there(folder / kManifest) && is_there(previous_folder(folder) / "recipe.pbtxt")) {
    set_aside(folder);  // what a kill left of doing so
    return FolderState::kNew;
  }
  if (!train::holds_run(folder)) return FolderState::kNew;
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
  // Under another name first, one of those that a later start or resume deletes: half a run must not look like one.
  const std::filesystem::path leaving = run_dir / ".previous.partial";
  remove_entry(leaving);
  rename_file(previous_folder(run_dir), leaving);
  remove_entry(leaving);
}

std::shared_ptr<numerics::Device> device_of_run(const configs::RunConfig& config) {
  const std::optional<DeviceName> name = parse_device_name(config.runtime().device());
  REPRISE_CHECK(name.has_value());
  return name->is_cpu ? nullptr : numerics::find_device(*name);
}

}  // namespace reprise::audit
