#pragma once
// Temporary files of records, each a key and a value. They are read on the machine that wrote them. Every failure is an
// Error(kIo) with the path and the system's reason.

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

namespace reprise::data {

class RecordWriter {
 public:
  /// Creates `path`, in the place of what is there.
  explicit RecordWriter(const std::filesystem::path& path);
  ~RecordWriter();
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  void write(std::string_view key, std::string_view value);
  void close();

 private:
  void put(const void* bytes, std::size_t size);

  std::filesystem::path path_;
  std::FILE* file_;
};

class RecordReader {
 public:
  explicit RecordReader(const std::filesystem::path& path);
  ~RecordReader();
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;

  /// Goes to the next record; returns false behind the last.
  bool next();
  /// Valid until next().
  std::string_view key() const { return std::string_view(bytes_).substr(0, key_bytes_); }
  std::string_view value() const { return std::string_view(bytes_).substr(key_bytes_); }

 private:
  bool get(void* bytes, std::size_t size);

  std::filesystem::path path_;
  std::FILE* file_;
  std::string bytes_;
  std::size_t key_bytes_ = 0;
};

/// Writes a file of records that is there whole or not at all, as long as the machine runs: under another name first.
class RecordFileCommit {
 public:
  explicit RecordFileCommit(std::filesystem::path path);
  RecordWriter& writer() { return writer_; }
  void commit();

 private:
  std::filesystem::path path_;
  RecordWriter writer_;
};

}  // namespace reprise::data
