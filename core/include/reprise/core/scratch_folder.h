#pragma once
// A folder for temporary files.

#include <filesystem>

namespace reprise {

/// A folder that is gone at the end; what an interrupted process left in it is gone at the beginning.
class ScratchFolder {
 public:
  /// Throws kIo.
  explicit ScratchFolder(std::filesystem::path path);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace reprise
