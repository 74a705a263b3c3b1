#pragma once
// Sorts any number of records in bounded memory: what does not fit is sorted and written to a file of its own (a run),
// and the runs are merged while they are read. The order is that of the bytes of key, then value, so it depends on
// nothing but the records. Not thread-safe.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "record_file.h"

namespace reprise::data {

class SortedRecords;

class ExternalSorter {
 public:
  /// Runs are files `folder`/`name`.N, removed with the sorter. `memory_bytes` bounds the records held at a time; one
  /// record that is larger is held all the same.
  ExternalSorter(std::filesystem::path folder, std::string name, std::uint64_t memory_bytes);
  ~ExternalSorter();
  ExternalSorter(const ExternalSorter&) = delete;
  ExternalSorter& operator=(const ExternalSorter&) = delete;

  /// Adds a record. Throws kIo.
  void add(std::string_view key, std::string_view value);

  /// Adds the records of a file that a RecordWriter wrote in order. The file stays where it is.
  void add_run(std::filesystem::path path);

  /// To be called once, behind the last record.
  void finish();

  /// Reads all records in order; may be called several times after finish(). The sorter must outlive the reader.
  std::unique_ptr<SortedRecords> open() const;

 private:
  friend class SortedRecords;
  struct Entry {
    std::uint64_t prefix;  // first 8 bytes of the key as a big-endian number
    const char* bytes;     // key, then value
    std::uint64_t key_bytes;
    std::uint64_t value_bytes;
  };
  struct Run {
    std::filesystem::path path;
    bool is_own;  // removed with the sorter
  };
  static bool comes_before(const Entry& a, const Entry& b);
  char* allocate(std::size_t size);
  void spill();
  void merge_oldest();
  std::filesystem::path new_run();

  std::filesystem::path folder_;
  std::string name_;
  std::uint64_t memory_bytes_;
  std::size_t block_bytes_;
  std::vector<Entry> entries_;
  std::vector<std::unique_ptr<char[]>> blocks_;  // of small records
  std::vector<std::unique_ptr<char[]>> large_records_;
  std::size_t block_left_ = 0;
  std::uint64_t held_bytes_ = 0;
  std::vector<Run> runs_;
  std::uint64_t num_files_ = 0;
};

/// Records in order.
class SortedRecords {
 public:
  ~SortedRecords();
  /// Goes to the next record; returns false behind the last. Throws kIo.
  bool next();
  /// Valid until next().
  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }

 private:
  friend class ExternalSorter;
  SortedRecords();
  void add_run(const std::filesystem::path& path);
  static bool comes_after(const std::unique_ptr<RecordReader>& a, const std::unique_ptr<RecordReader>& b);

  const std::vector<ExternalSorter::Entry>* entries_ = nullptr;  // where nothing was spilled
  std::size_t position_ = 0;
  std::vector<std::unique_ptr<RecordReader>> heap_;
  std::unique_ptr<RecordReader> current_;  // whose record key_ and value_ point to
  std::string_view key_;
  std::string_view value_;
};

}  // namespace reprise::data
