#include "reprise/core/scratch_folder.h"

#include <fmt/core.h>

#include <system_error>

#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise {
namespace {

/// Locks `path`, which is made where it is missing: also where its last holder removes it at the same moment.
std::unique_ptr<FolderLock> make_and_lock(const std::filesystem::path& path, std::chrono::milliseconds patience) {
  while (true) {
    make_folders(path);
    auto lock = std::make_unique<FolderLock>(path, patience);
    if (lock->holds(path)) return lock;
  }
}

void empty(const std::filesystem::path& path) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
    std::filesystem::remove_all(entry.path(), ignored);
  }
}

}  // namespace

std::filesystem::path scratch_path(const std::filesystem::path& out) {
  return out.parent_path() / fmt::format(".{}.work.partial", out.filename().string());
}

ScratchFolder::ScratchFolder(std::filesystem::path path, std::chrono::milliseconds patience)
    : path_(std::move(path)), lock_(make_and_lock(path_, patience)) {
  empty(path_);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void remove_stale_scratch(const std::filesystem::path& path) {
  try {
    const ScratchFolder stale(path, std::chrono::milliseconds(0));
  } catch (const Error&) {
    // Somebody works in it, or it cannot be removed: it is no reason to stop here.
  }
}

}  // namespace reprise
