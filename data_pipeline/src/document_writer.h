#pragma once
// Writes a file of documents of any length, line by line, compressed, in bounded memory; atomically. Not thread-safe.

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string_view>

#include "zstd_writer.h"

namespace reprise::data {

class DocumentWriter {
 public:
  /// Throws kIo, as the others do.
  explicit DocumentWriter(const std::filesystem::path& path);
  /// Removes what was written, unless commit() was called.
  ~DocumentWriter();
  DocumentWriter(const DocumentWriter&) = delete;
  DocumentWriter& operator=(const DocumentWriter&) = delete;

  /// Writes a line, which brings its line feed.
  void write(std::string_view line);
  /// Ends the file, and waits until it is on the disk.
  void finish();
  /// Gives the finished file its name.
  void commit();

 private:
  void put(std::string_view bytes);
  [[noreturn]] void fail() const;

  std::filesystem::path path_;
  std::FILE* file_;
  bool is_committed_ = false;
  ZstdWriter zstd_;
};

}  // namespace reprise::data
