#pragma once
// One process at a time works in a folder.

#include <chrono>
#include <filesystem>

namespace reprise {

/// Holds a folder until it is destroyed or its process dies, however it dies. Nothing is written (flock(2) on the
/// folder itself), so nothing can be left behind. Only those that ask for the lock are kept out.
class FolderLock {
 public:
  /// Waits up to `patience` for another holder: one that was killed needs a moment to be gone. Throws kIo when the
  /// folder is still held, or cannot be opened.
  explicit FolderLock(const std::filesystem::path& folder,
                      std::chrono::milliseconds patience = std::chrono::seconds(3));
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  /// Whether `folder` is what is held: not where somebody removed or replaced it before the lock was had.
  bool holds(const std::filesystem::path& folder) const;

 private:
  int descriptor_ = -1;
};

}  // namespace reprise
