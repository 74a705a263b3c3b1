#pragma once
// A file that is written under a temporary name and gets its own when it is complete.

#include <chrono>
#include <filesystem>
#include <string_view>

namespace reprise {

/// The temporary file of `path` (partial_path), held against every other writer of `path` until it is destroyed: a
/// second process or thread that opened it too would publish a part of it. What a killed process left is removed,
/// whatever it is linked to. Every failure is an Error(kIo), but kUsage where `path` is a pipe or a device. Not
/// thread-safe.
class PartialFile {
 public:
  /// Begins an empty file. Waits up to `patience` for another writer.
  explicit PartialFile(std::filesystem::path path, std::chrono::milliseconds patience = std::chrono::seconds(3));
  /// Removes the temporary file, unless it was committed.
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  /// Where the temporary file is, for another library that writes it: it may be opened and truncated, not replaced.
  const std::filesystem::path& temporary() const { return temporary_; }

  /// Writes at the current place, which moves on.
  void write(std::string_view bytes);
  /// Goes back to the beginning, to write over what is there.
  void rewind();
  /// Syncs the file, renames it to its path and syncs the folder.
  void commit();

 private:
  [[noreturn]] void fail(std::string_view what) const;
  [[noreturn]] void fail_at_temporary(std::string_view what) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

}  // namespace reprise
