#pragma once
// What one shard holds, as columns in memory, and the digests over it (docs/formats/shard.md).

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/core/hash.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/shards.h"

namespace reprise::data {

/// Texts one after the other; text i is bytes [offsets[i], offsets[i + 1]).
struct TextColumn {
  std::string bytes;
  std::vector<std::uint64_t> offsets{0};

  void push_back(std::string_view text) {
    bytes += text;
    offsets.push_back(bytes.size());
  }
  std::string at(std::size_t index) const { return bytes.substr(offsets[index], offsets[index + 1] - offsets[index]); }
};

struct ShardColumns {
  std::vector<std::uint16_t> tokens;
  std::vector<std::uint64_t> document_offsets{0};  // document i is tokens [i, i + 1), its end of text included
  std::vector<std::uint64_t> num_bytes;
  std::vector<std::uint64_t> source_line;
  TextColumn id, language, kind, source, source_file;

  std::size_t num_documents() const { return num_bytes.size(); }
};

/// Calls visit(name, column) for every dataset of a shard, in the order in which they lie in the file.
template <typename Columns, typename Visit>
void for_each_column(Columns& columns, Visit&& visit) {
  visit("tokens", columns.tokens);
  visit("document_offsets", columns.document_offsets);
  visit("num_bytes", columns.num_bytes);
  visit("source_line", columns.source_line);
  const auto text = [&](const std::string& name, auto& column) {
    visit(name + "_offsets", column.offsets);
    visit(name + "_bytes", column.bytes);
  };
  text("id", columns.id);
  text("language", columns.language);
  text("kind", columns.kind);
  text("source", columns.source);
  text("source_file", columns.source_file);
}

/// Attributes of the root group.
struct ShardAttributes {
  std::uint64_t vocab_size = 0;
  std::uint64_t end_of_text = 0;
  Digest tokenizer;
  std::uint64_t shard_index = 0;
  bool is_last = false;
  std::uint64_t first_token = 0;     // tokens in the shards before
  std::uint64_t first_document = 0;  // documents in the shards before
  Digest root;                       // over all documents from shard 0 to the end of this one
};

/// Digest of one document: what it is, where it came from, its ids without the end of text.
Digest document_leaf(const DocumentSpan& document, std::span<const std::uint16_t> tokens);

/// Root over documents 0 to leaves.size() - 1. It does not depend on where shards are cut.
Digest token_set_root(const ShardAttributes& attributes, std::uint64_t num_tokens, std::span<const Digest> leaves);

/// Returns row `index`; first_token counts from the first shard.
DocumentSpan document_at(const ShardColumns& columns, const ShardAttributes& attributes, std::size_t index);

/// <folder>/<stem>-00000.h5
std::filesystem::path shard_path(const std::filesystem::path& folder, const std::string& stem, std::uint64_t index);

}  // namespace reprise::data
