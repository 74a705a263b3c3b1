#pragma once
// A file as memory: the system may keep as much of it in RAM as it likes. Not thread-safe.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace reprise::data {

class MappedFile {
 public:
  /// Maps the whole of an existing file for reading. Throws kIo.
  explicit MappedFile(const std::filesystem::path& path);
  /// Creates a file of `size` bytes, all zero, whose blocks are there, and maps it for reading and writing. Throws kIo.
  MappedFile(const std::filesystem::path& path, std::uint64_t size);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::span<std::byte> writable_bytes() { return {data_, size_}; }

 private:
  void map(const std::filesystem::path& path, int descriptor, bool writable);
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace reprise::data
