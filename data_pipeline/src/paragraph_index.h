#pragma once
// Paragraphs that stand more than once in a corpus. Of equal paragraphs the first stays, in the order of (SHA-256 of
// the document's text, id, place in the text). External: hashes are sorted in runs. Not thread-safe.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "external_sort.h"
#include "reprise/core/hash.h"

namespace reprise::data {

class ParagraphIndex {
 public:
  /// Paragraphs below `min_words` words are never duplicates. Runs are made in `folder`.
  ParagraphIndex(std::uint32_t min_words, const std::filesystem::path& folder, std::uint64_t memory_bytes);

  /// Adds the next document, in ascending order of ids.
  void add(const Digest& digest, std::string_view text);

  /// To be called once, behind the last add().
  void finish();

  /// Takes the duplicates out of the next document, in the order of add(), each with the blank lines behind it; returns
  /// how many. A text that loses a paragraph loses line feeds at its end too.
  std::uint64_t remove_duplicates(std::string& text);

 private:
  std::uint32_t min_words_;
  ExternalSorter paragraphs_;  // hash -> digest of the text, document, place
  ExternalSorter duplicates_;  // document, place
  std::unique_ptr<SortedRecords> next_duplicate_;
  bool has_next_ = false;
  std::uint64_t num_added_ = 0;
  std::uint64_t num_visited_ = 0;
};

}  // namespace reprise::data
