#include "external_sort.h"

#include <algorithm>
#include <system_error>

#include "reprise/core/error.h"

namespace reprise::data {
namespace {

constexpr std::size_t kLargestBlock = 1 << 20;
constexpr std::size_t kMostRuns = 64;  // read at the same time: 16 MiB of buffers

std::uint64_t key_prefix(std::string_view key) {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    prefix = prefix << 8 | (i < key.size() ? static_cast<unsigned char>(key[i]) : 0u);
  }
  return prefix;
}

}  // namespace

ExternalSorter::ExternalSorter(std::filesystem::path folder, std::string name, std::uint64_t memory_bytes)
    : folder_(std::move(folder)),
      name_(std::move(name)),
      memory_bytes_(memory_bytes),
      block_bytes_(std::clamp<std::uint64_t>(memory_bytes / 16, 4096, kLargestBlock)) {}

ExternalSorter::~ExternalSorter() {
  std::error_code ignored;
  for (const Run& run : runs_) {
    if (run.is_own) std::filesystem::remove(run.path, ignored);
  }
}

bool ExternalSorter::comes_before(const Entry& a, const Entry& b) {
  if (a.prefix != b.prefix) return a.prefix < b.prefix;
  const std::string_view key_a(a.bytes, a.key_bytes);
  const std::string_view key_b(b.bytes, b.key_bytes);
  if (const int order = key_a.compare(key_b); order != 0) return order < 0;
  return std::string_view(a.bytes + a.key_bytes, a.value_bytes) <
         std::string_view(b.bytes + b.key_bytes, b.value_bytes);
}

char* ExternalSorter::allocate(std::size_t size) {
  if (size > block_bytes_ / 4) {
    large_records_.push_back(std::make_unique<char[]>(size));
    held_bytes_ += size;
    return large_records_.back().get();
  }
  if (size > block_left_) {
    blocks_.push_back(std::make_unique<char[]>(block_bytes_));
    block_left_ = block_bytes_;
    held_bytes_ += block_bytes_;
  }
  char* place = blocks_.back().get() + (block_bytes_ - block_left_);
  block_left_ -= size;
  return place;
}

void ExternalSorter::add(std::string_view key, std::string_view value) {
  if (!entries_.empty() && held_bytes_ + entries_.size() * sizeof(Entry) + key.size() + value.size() > memory_bytes_) {
    spill();
  }
  char* bytes = allocate(key.size() + value.size());
  std::copy(value.begin(), value.end(), std::copy(key.begin(), key.end(), bytes));  // either may be null where empty
  entries_.push_back({key_prefix(key), bytes, key.size(), value.size()});
}

void ExternalSorter::add_run(std::filesystem::path path) { runs_.push_back({std::move(path), false}); }

std::filesystem::path ExternalSorter::new_run() {
  runs_.push_back({folder_ / fmt::format("{}.{}", name_, num_files_++), true});
  return runs_.back().path;
}

void ExternalSorter::spill() {
  std::sort(entries_.begin(), entries_.end(), comes_before);
  RecordWriter file(new_run());
  for (const Entry& entry : entries_) {
    file.write({entry.bytes, entry.key_bytes}, {entry.bytes + entry.key_bytes, entry.value_bytes});
  }
  file.close();
  entries_.clear();
  blocks_.clear();
  large_records_.clear();
  block_left_ = 0;
  held_bytes_ = 0;
}

/// Merges the runs that were written first into one. Ties have equal keys and values, so merging in any order is the
/// same.
void ExternalSorter::merge_oldest() {
  const std::vector<Run> oldest(runs_.begin(), runs_.begin() + kMostRuns);
  SortedRecords records;
  for (const Run& run : oldest) records.add_run(run.path);
  RecordWriter file(new_run());
  while (records.next()) file.write(records.key(), records.value());
  file.close();
  for (const Run& run : oldest) {
    if (run.is_own) std::filesystem::remove(run.path);
  }
  runs_.erase(runs_.begin(), runs_.begin() + kMostRuns);
}

void ExternalSorter::finish() {
  if (runs_.empty()) {
    std::sort(entries_.begin(), entries_.end(), comes_before);
    return;
  }
  if (!entries_.empty()) spill();
  entries_.shrink_to_fit();
  while (runs_.size() > kMostRuns) merge_oldest();
}

std::unique_ptr<SortedRecords> ExternalSorter::open() const {
  std::unique_ptr<SortedRecords> records(new SortedRecords());
  if (runs_.empty()) records->entries_ = &entries_;
  for (const Run& run : runs_) records->add_run(run.path);
  return records;
}

SortedRecords::SortedRecords() = default;
SortedRecords::~SortedRecords() = default;

bool SortedRecords::comes_after(const std::unique_ptr<RecordReader>& a, const std::unique_ptr<RecordReader>& b) {
  if (const int order = a->key().compare(b->key()); order != 0) return order > 0;
  return a->value() > b->value();
}

void SortedRecords::add_run(const std::filesystem::path& path) {
  auto run = std::make_unique<RecordReader>(path);
  if (!run->next()) return;
  heap_.push_back(std::move(run));
  std::push_heap(heap_.begin(), heap_.end(), comes_after);
}

bool SortedRecords::next() {
  if (entries_ != nullptr) {
    if (position_ == entries_->size()) return false;
    const ExternalSorter::Entry& entry = (*entries_)[position_++];
    key_ = {entry.bytes, entry.key_bytes};
    value_ = {entry.bytes + entry.key_bytes, entry.value_bytes};
    return true;
  }
  if (current_ != nullptr && current_->next()) {
    heap_.push_back(std::move(current_));
    std::push_heap(heap_.begin(), heap_.end(), comes_after);
  }
  current_.reset();
  if (heap_.empty()) return false;
  std::pop_heap(heap_.begin(), heap_.end(), comes_after);
  current_ = std::move(heap_.back());
  heap_.pop_back();
  key_ = current_->key();
  value_ = current_->value();
  return true;
}

}  // namespace reprise::data
