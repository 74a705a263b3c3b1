#pragma once
// Documents of one input file: Dolma JSON lines, or plain text (docs/formats/documents.md). Bounded memory: a line, or
// a text file, of max_line_bytes and one chunk.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "byte_source.h"
#include "reprise/core/hash.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/inputs.h"

namespace reprise::data {

/// What one input file held.
struct InputContent {
  Digest sha256;  // of the decompressed bytes
  std::uint64_t num_bytes = 0;
  std::uint64_t num_documents = 0;
  SkippedInput skipped;
};

struct ReadHandler {
  std::function<void(Document&&)> document;
  std::function<void(std::uint64_t)> file_position;  // bytes of the file that have been read; may be empty
};

struct ReadOptions {
  std::uint64_t max_line_bytes = 32 << 20;
  InputPolicy policy;
  bool keep_members = false;                                             // fills Document::members and metadata_members
  std::string_view limit_setting = "--set recipe.data.max_line_bytes=";  // for hints; a number stands behind it
};

/// True when the name is that of a plain text, which is one document.
bool is_text_file(std::string_view name);

/// Reads every document of `folder`/`name`. Texts come as they are in the file. Throws InputError with file and line
/// for a fault that the policy does not pass over; kIo. Ids are not compared with each other.
InputContent read_documents(const std::filesystem::path& folder, const std::string& name, const ReadOptions& options,
                            const ReadHandler& handler);

/// The same for decompressed bytes from `source`, called `name`.
InputContent read_documents(std::unique_ptr<ByteSource> source, const std::string& name, const std::string& place,
                            const ReadOptions& options, const ReadHandler& handler);

}  // namespace reprise::data
