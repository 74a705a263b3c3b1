#pragma once
// Which documents have the same text as another: all but the one with the smallest id. External: hashes are sorted in
// runs. Not thread-safe.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "external_sort.h"
#include "reprise/core/hash.h"
#include "reprise/data_pipeline/filters.h"

namespace reprise::data {

struct Copy {
  std::string survivor;          // its id
  std::uint64_t num_copies = 0;  // of the text, the survivor among them
};

class CopyIndex {
 public:
  /// Files are made in `folder`, which must exist; `memory_bytes` is for sorting.
  CopyIndex(const std::filesystem::path& folder, std::uint64_t memory_bytes);

  void add(const Digest& text, std::string_view id);

  /// To be called once, behind the last add().
  void finish();

  /// Says of which document `id` is a copy. To be asked in ascending order of ids, each once.
  std::optional<Copy> copy(std::string_view id);

  /// Goes back to the smallest id.
  void rewind();

 private:
  ExternalSorter texts_;   // hash -> id
  ExternalSorter copies_;  // id -> number and survivor
  std::unique_ptr<SortedRecords> next_;
  bool has_next_ = false;
};

/// Why a copy is dropped.
Drop copy_drop(const Copy& copy);

}  // namespace reprise::data
