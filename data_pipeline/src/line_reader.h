#pragma once
// Lines of a plain, gzip or zstd file, one at a time, in bounded memory. Hashes the decompressed bytes on the way.
// Not thread-safe.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "byte_source.h"
#include "reprise/core/error.h"
#include "reprise/core/hash.h"

namespace reprise::data {

struct Line {
  std::string_view text;     // without its line feed; valid until the next call
  std::uint64_t number = 0;  // 1-based
  std::uint64_t offset = 0;  // of its first byte in the decompressed content
};

class LineReader {
 public:
  /// Opens `path`; a name that ends in ".gz" or ".zst" is decompressed. Bad content is an InputError of `kind` (kData
  /// for inputs, kCorrupt for files of our own), a failing system call is kIo.
  LineReader(const std::filesystem::path& path, std::uint64_t max_line_bytes, ErrorKind kind);
  /// Reads decompressed bytes from `source`; `name` is for messages, `limit_setting` for the hint that raises the
  /// limit.
  LineReader(std::unique_ptr<ByteSource> source, std::string name, std::uint64_t max_line_bytes, ErrorKind kind,
             std::string_view limit_setting = "--set recipe.data.max_line_bytes=");
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  /// Reads the next line; returns false at the end. A last line without a line feed counts.
  bool next(Line& line);

  /// After next() has thrown kLongLine: goes behind that line, holding one chunk of it at a time.
  void skip_line();

  /// SHA-256 and number of the decompressed bytes that have been read: all of them after next() has returned false.
  Digest content_digest() { return hash_.finish(); }
  std::uint64_t content_bytes() const { return consumed_ + (buffer_.size() - start_); }
  std::uint64_t file_position() const { return source_->file_position(); }

 private:
  bool fill();
  void check_length(std::size_t length) const;
  void take(std::size_t length);

  std::string name_;
  std::uint64_t max_line_bytes_;
  ErrorKind kind_;
  std::string limit_setting_;
  std::unique_ptr<ByteSource> source_;
  Sha256 hash_;
  std::string buffer_;
  std::size_t start_ = 0;       // of the first byte of buffer_ that has not been handed out
  std::uint64_t consumed_ = 0;  // bytes of the content before start_
  std::uint64_t num_lines_ = 0;
  bool at_end_ = false;
};

}  // namespace reprise::data
