#pragma once
// Which documents are near-duplicates of which: documents that share a bucket are connected, and of each connected
// component the document with the smallest (SHA-256 of the text, id) survives. External: buckets are sorted in runs,
// signatures and the union-find forest lie in mapped files. Not thread-safe.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "external_sort.h"
#include "mapped_file.h"
#include "min_hash.h"
#include "reprise/core/hash.h"

namespace reprise::data {

struct NearDuplicate {
  std::string survivor;   // its id
  double similarity = 0;  // estimated, of the two texts
};

class MinHashIndex {
 public:
  /// Files are made in `folder`, which must exist and belongs to the index; `memory_bytes` is for sorting.
  MinHashIndex(const MinHasher& hasher, const std::filesystem::path& folder, std::uint64_t memory_bytes);
  ~MinHashIndex();

  /// Adds the next document, in ascending order of ids. An empty signature matches nothing.
  void add(std::string_view id, const Digest& text, std::span<const std::uint32_t> signature);

  /// Connects the documents; to be called once, behind the last add().
  void finish();

  /// Says why document `index`, counted in the order of add(), does not survive.
  std::optional<NearDuplicate> duplicate(std::uint64_t index) const;

 private:
  struct Files;
  struct Record;
  Record record(std::uint64_t index) const;
  bool is_preferred(std::uint64_t a, std::uint64_t b) const;
  std::uint64_t root(std::uint64_t index) const;
  void connect(std::uint64_t a, std::uint64_t b);

  const MinHasher& hasher_;
  std::filesystem::path folder_;
  std::uint64_t record_bytes_;
  std::uint64_t num_documents_ = 0;
  ExternalSorter buckets_;
  std::unique_ptr<Files> files_;
};

}  // namespace reprise::data
