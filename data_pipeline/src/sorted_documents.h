#pragma once
// Documents of any number of files in the order of their ids, in bounded memory. Not thread-safe.

#include <filesystem>
#include <functional>
#include <memory>

#include "external_sort.h"
#include "reprise/core/hash.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/inputs.h"

namespace reprise::data {

struct SortedDocument {
  Document document;
  Digest text;  // SHA-256 of document.text
};

class SortedDocuments {
 public:
  SortedDocuments(const std::filesystem::path& folder, std::uint64_t memory_bytes, const InputPolicy& policy)
      : sorter_(folder, "documents", memory_bytes), policy_(policy) {}

  void add(const Document& document);
  void finish() { sorter_.finish(); }

  /// Visits all documents in the order of ids. Of those with one id the one with the smallest (SHA-256 of the text,
  /// file, line) is visited where the policy passes over the others; otherwise they are an InputError. Returns how many
  /// were passed over.
  std::uint64_t for_each(const std::function<void(SortedDocument&&)>& visit) const;

 private:
  ExternalSorter sorter_;
  InputPolicy policy_;
};

/// Calls visit(documents) for consecutive batches, each of some hundred documents and some megabytes at most (and one
/// document). Returns what for_each returns.
std::uint64_t for_each_batch(const SortedDocuments& documents,
                             const std::function<void(std::vector<SortedDocument>&)>& visit);

}  // namespace reprise::data
