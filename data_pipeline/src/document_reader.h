#pragma once
// Documents of Dolma JSON lines (docs/formats/documents.md).

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "reprise/core/hash.h"
#include "reprise/data_pipeline/corpus.h"

namespace reprise::data {

/// What one input file held.
struct InputContent {
  Digest sha256;  // of the decompressed bytes
  std::uint64_t num_bytes = 0;
  std::uint64_t num_documents = 0;
};

struct ReadHandler {
  std::function<void(Document&&)> document;
  std::function<void(std::uint64_t)> file_position;  // bytes of the file that have been read; may be empty
};

/// Reads every document of `folder`/`name`. Texts come as they are in the file. Throws kData with file and line for a
/// line that is too long, not UTF-8, not a JSON object, or without a usable id or text; kIo.
InputContent read_documents(const std::filesystem::path& folder, const std::string& name, std::uint64_t max_line_bytes,
                            const ReadHandler& handler);

}  // namespace reprise::data
