#include "settle_folder.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string>
#include <system_error>
#include <vector>

#include "reprise/configs/config.h"
#include "reprise/core/device_name.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/numerics/find_device.h"
#include "reprise/train/holds_run.h"

namespace reprise::audit {
namespace {

/// What a run folder consists of; nothing else in it is ever touched. The manifest is the first that is deleted: what a
/// kill leaves of the rest is no finished run.
constexpr std::array<const char*, 11> kRunEntries = {"manifest.json", "data",        "tokenizer",   "shards",
                                                     "checkpoints",   "run.log",     "session.log", "eval",
                                                     "parent.h5",     "tensorboard", "recipe.pbtxt"};

/// ... and of copies that a resume keeps: session.log.damaged, session.log.damaged-2 and so on.
constexpr char kDamagedLog[] = "session.log.damaged";

constexpr char kRecipe[] = "recipe.pbtxt";
constexpr char kManifest[] = "manifest.json";

/// Where a finished run is computed again. It has the recipe before anything else, by which it is known.
std::filesystem::path again_folder(const std::filesystem::path& run_dir) { return run_dir / "again"; }

/// Its name while it is deleted, one of those that a later start or resume deletes: half a run must not look like one.
std::filesystem::path leaving_folder(const std::filesystem::path& run_dir) { return run_dir / ".again.partial"; }

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

bool is_run_entry(const std::string& name) {
  return std::count(kRunEntries.begin(), kRunEntries.end(), name) == 1 || name.starts_with(kDamagedLog);
}

void remove_run(const std::filesystem::path& run_dir) {
  std::vector<std::filesystem::path> entries(kRunEntries.begin(), kRunEntries.end());
  std::error_code none_there;
  for (const auto& entry : std::filesystem::directory_iterator(run_dir, none_there)) {
    const std::filesystem::path name = entry.path().filename();
    if (name.string().starts_with(kDamagedLog)) entries.push_back(name);
  }
  for (const std::filesystem::path& entry : entries) remove_entry(run_dir / entry);
}

void remove_leaving(const std::filesystem::path& run_dir) {
  remove_run(leaving_folder(run_dir));  // also where the folder is a link to another place
  remove_entry(leaving_folder(run_dir));
}

/// Throws unless all that is in again/ was left there by an earlier call.
void require_own_again(const std::filesystem::path& run_dir) {
  const std::filesystem::path again = again_folder(run_dir);
  const bool has_recipe = is_there(again / kRecipe);
  std::error_code none_there;
  for (const auto& entry : std::filesystem::directory_iterator(again, none_there)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(".") && name.ends_with(".partial")) continue;
    REPRISE_REQUIRE(has_recipe && is_run_entry(name), ErrorKind::kCheckpoint,
                    fmt::format("{} is where a finished run is computed again, and {} is in its place", again.string(),
                                entry.path().string()),
                    fmt::format("move {} away, or choose another folder with --out", again.string()));
  }
}

/// `hint`: what to do about the folder; a mistake in a stored recipe is not to be mended there.
Digest recipe_hash_in(const std::filesystem::path& folder, const std::string& hint) {
  try {
    return configs::recipe_hash(configs::load_config(folder / kRecipe).recipe());
  } catch (const Error& error) {
    throw Error(error.kind(), error.what(), hint);
  }
}

void require_recipe(const configs::RunConfig& config, const std::filesystem::path& folder, const std::string& hint) {
  const Digest found = recipe_hash_in(folder, hint);
  const Digest wanted = configs::recipe_hash(config.recipe());
  REPRISE_REQUIRE(
      found == wanted, ErrorKind::kCheckpoint,
      fmt::format("{} holds a run of another recipe: found {}, wanted {}", folder.string(), found.hex(), wanted.hex()),
      hint);
}

void require_corpus(const configs::RunConfig& config) {
  if (!config.runtime().has_assembly()) data::require_inputs(config.recipe().data(), config.runtime().corpus_dir());
}

Manifest manifest_of(const std::filesystem::path& run_dir) {
  try {
    return read_manifest(run_dir / kManifest);
  } catch (const Error& error) {
    throw Error(error.kind(), error.what(),
                "move that file away, and the run's other files give a new one; or replace the run with --overwrite");
  }
}

Place beside_finished_run(const configs::RunConfig& config, const ReproduceOptions& options) {
  const std::filesystem::path& folder = options.run_dir;
  Place place{again_folder(folder), manifest_of(folder), nullptr};
  require_corpus(config);
  require_own_again(folder);
  const std::string again = place.folder.string();
  const std::string hint = fmt::format("move {} away, or delete it; or choose another folder with --out", again);
  const bool has_recipe = is_there(place.folder / kRecipe);
  if (has_recipe) require_recipe(config, place.folder, hint);
  REPRISE_REQUIRE(
      !is_there(place.folder / kManifest), ErrorKind::kCheckpoint,
      fmt::format("{} holds a finished run, and so does {}, where it would be computed again", folder.string(), again),
      hint);
  make_folders(place.folder);
  if (!has_recipe) write_file_atomically(place.folder / kRecipe, read_file(folder / kRecipe));
  options.say(fmt::format("{} holds a finished run of this recipe, which stays as it is; computing it again in {}",
                          folder.string(), again));
  return place;
}

}  // namespace

Place settle_folder(const configs::RunConfig& config, const ReproduceOptions& options) {
  const std::filesystem::path& folder = options.run_dir;
  Place place{folder, std::nullopt, nullptr};
  if (!is_there(folder)) return place;
  auto lock = std::make_unique<FolderLock>(folder);
  remove_leaving(folder);
  const bool has_recipe = is_there(folder / kRecipe);
  if (!has_recipe && !train::holds_run(folder)) return place;
  if (options.overwrite) {
    require_corpus(config);
    options.say(fmt::format("replacing the run in {}", folder.string()));
    remove_run(folder);
    return place;
  }
  const char* hint = "choose another folder with --out, or replace the run with --overwrite";
  REPRISE_REQUIRE(has_recipe, ErrorKind::kCheckpoint, fmt::format("{} holds a run without its recipe", folder.string()),
                  hint);
  require_recipe(config, folder, hint);
  if (!is_there(folder / kManifest)) return place;
  place = beside_finished_run(config, options);
  place.lock = std::move(lock);
  return place;
}

void remove_again(const std::filesystem::path& run_dir) {
  require_own_again(run_dir);
  rename_file(again_folder(run_dir), leaving_folder(run_dir));
  remove_leaving(run_dir);
}

std::shared_ptr<numerics::Device> device_of_run(const configs::RunConfig& config) {
  const std::optional<DeviceName> name = parse_device_name(config.runtime().device());
  REPRISE_CHECK(name.has_value());
  return name->is_cpu ? nullptr : numerics::find_device(*name);
}

}  // namespace reprise::audit
