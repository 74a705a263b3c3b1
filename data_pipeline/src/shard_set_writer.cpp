#include "shard_set_writer.h"

#include <system_error>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "shard_file.h"

namespace reprise::data {

ShardSetWriter::ShardSetWriter(const Tokenizer& tokenizer, std::filesystem::path folder, std::string stem,
                               std::uint64_t max_tokens)
    : folder_(std::move(folder)), stem_(std::move(stem)), max_tokens_(max_tokens) {
  REPRISE_REQUIRE(tokenizer.vocab_size() <= 65536, ErrorKind::kData,
                  fmt::format("shards hold 16-bit ids; entries of the tokenizer: {}", tokenizer.vocab_size()),
                  "use a tokenizer of at most 65536 entries");
  make_folders(folder_);
  attributes_.vocab_size = tokenizer.vocab_size();
  attributes_.end_of_text = static_cast<std::uint64_t>(tokenizer.end_of_text());
  attributes_.tokenizer = tokenizer.digest();
}

void ShardSetWriter::add(const Document& document, const std::vector<TokenId>& ids) {
  if (!columns_.tokens.empty() && columns_.tokens.size() + ids.size() + 1 > max_tokens_) flush(/*is_last=*/false);
  for (const TokenId id : ids) columns_.tokens.push_back(static_cast<std::uint16_t>(id));
  columns_.tokens.push_back(static_cast<std::uint16_t>(attributes_.end_of_text));
  columns_.document_offsets.push_back(columns_.tokens.size());
  columns_.num_bytes.push_back(document.text.size());
  columns_.source_line.push_back(document.source_line);
  columns_.id.push_back(document.id);
  columns_.language.push_back(document.language);
  columns_.kind.push_back(document.kind);
  columns_.source.push_back(document.source);
  columns_.source_file.push_back(document.source_file);
  const std::size_t row = columns_.num_documents() - 1;
  const std::span<const std::uint16_t> tokens(columns_.tokens);
  leaves_.push_back(document_leaf(document_at(columns_, attributes_, row),
                                  tokens.subspan(columns_.document_offsets[row], ids.size())));
}

ShardResult ShardSetWriter::finish() {
  flush(/*is_last=*/true);
  result_.num_documents = leaves_.size();
  result_.num_tokens = attributes_.first_token;
  result_.root = attributes_.root;
  remove_stale_files();
  return std::move(result_);
}

void ShardSetWriter::flush(bool is_last) {
  attributes_.is_last = is_last;
  attributes_.root = token_set_root(attributes_, attributes_.first_token + columns_.tokens.size(), leaves_);
  const std::filesystem::path path = shard_path(folder_, stem_, attributes_.shard_index);
  write_file_atomically(path, write_shard_image(columns_, attributes_));
  result_.files.push_back(path);
  ++attributes_.shard_index;
  attributes_.first_token += columns_.tokens.size();
  attributes_.first_document += columns_.num_documents();
  columns_ = ShardColumns();
}

/// Shards that a longer set of the same name left behind would be read as a part of this one.
void ShardSetWriter::remove_stale_files() const {
  for (std::uint64_t index = attributes_.shard_index;; ++index) {
    std::error_code error;
    const std::filesystem::path path = shard_path(folder_, stem_, index);
    const bool removed = std::filesystem::remove(path, error);
    REPRISE_REQUIRE(!error, ErrorKind::kIo, fmt::format("cannot remove {}: {}", path.string(), error.message()),
                    "remove the file; it belongs to an older set of shards");
    if (!removed) return;
  }
}

}  // namespace reprise::data
