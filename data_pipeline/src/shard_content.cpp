#include "shard_content.h"

#include <fmt/core.h>

#include <bit>

#include "reprise/core/merkle.h"

namespace reprise::data {

static_assert(std::endian::native == std::endian::little,
              "digests are over little-endian values as they lie in memory");

Digest document_leaf(const DocumentSpan& document, std::span<const std::uint16_t> tokens) {
  return CanonicalHasher("reprise.document_tokens.v1")
      .string("id", document.id)
      .string("language", document.language)
      .string("kind", document.kind)
      .string("source", document.source)
      .string("source_file", document.source_file)
      .u64("source_line", document.source_line)
      .u64("num_bytes", document.num_bytes)
      .u64("num_tokens", document.num_tokens)
      .digest("tokens", sha256(as_byte_span(tokens)))
      .finish();
}

Digest token_set_root(const ShardAttributes& attributes, std::uint64_t num_tokens, std::span<const Digest> leaves) {
  return CanonicalHasher("reprise.token_set.v1")
      .u64("vocab_size", attributes.vocab_size)
      .u64("end_of_text", attributes.end_of_text)
      .digest("tokenizer", attributes.tokenizer)
      .u64("num_documents", leaves.size())
      .u64("num_tokens", num_tokens)
      .digest("documents", merkle_root(leaves))
      .finish();
}

DocumentSpan document_at(const ShardColumns& columns, const ShardAttributes& attributes, std::size_t index) {
  DocumentSpan document;
  document.id = columns.id.at(index);
  document.language = columns.language.at(index);
  document.kind = columns.kind.at(index);
  document.source = columns.source.at(index);
  document.source_file = columns.source_file.at(index);
  document.source_line = columns.source_line[index];
  document.num_bytes = columns.num_bytes[index];
  document.first_token = attributes.first_token + columns.document_offsets[index];
  document.num_tokens = columns.document_offsets[index + 1] - columns.document_offsets[index] - 1;
  return document;
}

std::filesystem::path shard_path(const std::filesystem::path& folder, const std::string& stem, std::uint64_t index) {
  return folder / fmt::format("{}-{:05}.h5", stem, index);
}

}  // namespace reprise::data
