#pragma once
// A file that grows at its end. Every failure is an Error(kIo) with the path and the system's reason.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

namespace reprise::logs {

/// Throws kIo where a symbolic link stands at `path`: what is cut and appended would be somebody else's file.
void require_no_link(const std::filesystem::path& path);

class AppendFile {
 public:
  /// Makes a file that holds `first_bytes`; it appears with all of them or not at all. Throws when it exists.
  static AppendFile create(const std::filesystem::path& path, std::string_view first_bytes);
  /// Opens a file, creating it empty when `create` is set, and cuts it to `size` bytes when it is longer. Follows no
  /// symbolic link.
  static AppendFile open(const std::filesystem::path& path, std::uint64_t size, bool create);
  ~AppendFile();
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&&) = delete;

  /// Appends all of `bytes` with one write, or, when `half_way` is given, with two and the call between them. When the
  /// system refuses, what was written of them is cut off again.
  void append(std::string_view bytes, const std::function<void()>& half_way = {});
  void sync();

 private:
  AppendFile(std::filesystem::path path, int fd, std::uint64_t size);
  void write_all(std::string_view bytes);
  void cut(std::uint64_t size);

  std::filesystem::path path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace reprise::logs
