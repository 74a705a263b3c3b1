#pragma once
// One document as one line of our own JSON: fixed order of keys, no white space, escapes only where JSON demands them.

#include <memory>
#include <string>
#include <string_view>

#include "reprise/data_pipeline/document_file.h"

namespace reprise::data {

/// Lines with their line feed.
std::string document_line(const Document& document);
std::string dropped_line(const DroppedDocument& document);

/// Reads the lines back. Throws kCorrupt. Not thread-safe.
class DocumentLineParser {
 public:
  DocumentLineParser();
  ~DocumentLineParser();
  /// Reads either kind of line; what says why a document was dropped is ignored.
  DroppedDocument parse(std::string_view line);
  DroppedDocument parse_dropped(std::string_view line);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace reprise::data
