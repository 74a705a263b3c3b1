#pragma once
// The files that a build leaves in RUN/data, and the digests of their content (docs/formats/documents.md).

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/core/hash.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/filters.h"

namespace reprise::data {

struct DroppedDocument {
  Document document;  // with the text that the rule judged
  Drop drop;
  std::string survivor;  // "exact_duplicate": id of the document that has the same text and was kept
};

std::filesystem::path train_path(const std::filesystem::path& run);
std::filesystem::path held_out_path(const std::filesystem::path& run);
std::filesystem::path dropped_path(const std::filesystem::path& run);

/// Reads RUN/data/dropped.jsonl.zst in order. Throws kCorrupt (file, line, what), kIo.
void for_each_dropped(const std::filesystem::path& path, const std::function<void(const DroppedDocument&)>& visit);

/// Writes documents as they stand, atomically. Throws kIo.
void write_documents(const std::filesystem::path& path, const std::vector<const Document*>& documents);
void write_dropped(const std::filesystem::path& path, const std::vector<DroppedDocument>& documents);

/// Digest of a list of documents: count and Merkle root of one leaf per document, in the order added. The place in the
/// input is not part of it.
class DocumentDigest {
 public:
  /// `domain` keeps kept, held-out and dropped documents apart, such as "reprise.documents.train.v1".
  explicit DocumentDigest(std::string domain) : domain_(std::move(domain)) {}
  void add(const Document& document);
  void add(const DroppedDocument& document);
  Digest finish() const;

 private:
  std::string domain_;
  std::vector<Digest> leaves_;
};

}  // namespace reprise::data
