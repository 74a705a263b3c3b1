#pragma once
// A folder for temporary files.

#include <filesystem>
#include <memory>

#include "reprise/core/folder_lock.h"

namespace reprise {

/// Where the temporary files of `out` belong: hidden beside it, so that a rename brings one to its place.
std::filesystem::path scratch_path(const std::filesystem::path& out);

/// A folder that is gone at the end; what a killed process left in it is gone at the beginning. It is locked
/// (FolderLock): a second process that wants the same one waits for a moment and throws kIo.
class ScratchFolder {
 public:
  /// Throws kIo.
  explicit ScratchFolder(std::filesystem::path path, std::chrono::milliseconds patience = std::chrono::seconds(3));
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::unique_ptr<FolderLock> lock_;
};

/// Removes a scratch folder that a killed process left. One that a living process holds stays.
void remove_stale_scratch(const std::filesystem::path& path);

}  // namespace reprise
