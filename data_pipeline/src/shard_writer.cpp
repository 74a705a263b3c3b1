// Documents to shards: encoding on several threads, columns and files on the calling one.

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/thread_pool.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/shards.h"
#include "shard_content.h"
#include "shard_file.h"

namespace reprise::data {
namespace {

/// Documents gathered before the threads encode them.
constexpr std::size_t kBatchBytes = std::size_t{8} << 20;

class ShardWriter {
 public:
  ShardWriter(const Tokenizer& tokenizer, std::filesystem::path folder, std::string stem, std::uint64_t max_tokens)
      : folder_(std::move(folder)), stem_(std::move(stem)), max_tokens_(max_tokens) {
    attributes_.vocab_size = tokenizer.vocab_size();
    attributes_.end_of_text = static_cast<std::uint64_t>(tokenizer.end_of_text());
    attributes_.tokenizer = tokenizer.digest();
  }

  /// A document is never cut: one that is longer than a shard gets a shard of its own.
  void add(const Document& document, const std::vector<TokenId>& ids) {
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

  ShardResult finish() {
    flush(/*is_last=*/true);
    result_.num_documents = leaves_.size();
    result_.num_tokens = attributes_.first_token;
    result_.root = attributes_.root;
    remove_stale_files();
    return std::move(result_);
  }

 private:
  void flush(bool is_last) {
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
  void remove_stale_files() const {
    for (std::uint64_t index = attributes_.shard_index;; ++index) {
      std::error_code error;
      const std::filesystem::path path = shard_path(folder_, stem_, index);
      const bool removed = std::filesystem::remove(path, error);
      REPRISE_REQUIRE(!error, ErrorKind::kIo, fmt::format("cannot remove {}: {}", path.string(), error.message()),
                      "remove the file; it belongs to an older set of shards");
      if (!removed) return;
    }
  }

  std::filesystem::path folder_;
  std::string stem_;
  std::uint64_t max_tokens_;
  ShardAttributes attributes_;
  ShardColumns columns_;
  std::vector<Digest> leaves_;
  ShardResult result_;
};

}  // namespace

ShardResult write_shards(const std::filesystem::path& documents, const Tokenizer& tokenizer,
                         const std::filesystem::path& folder, const std::string& stem, int num_threads,
                         ProgressSink& progress, std::uint64_t max_tokens_per_shard) {
  REPRISE_REQUIRE(tokenizer.vocab_size() <= 65536, ErrorKind::kData,
                  fmt::format("shards hold 16-bit ids; entries of the tokenizer: {}", tokenizer.vocab_size()),
                  "use a tokenizer of at most 65536 entries");
  make_folders(folder);
  ShardWriter writer(tokenizer, folder, stem, max_tokens_per_shard);
  ThreadPool pool(std::max(1, num_threads));
  std::vector<Document> batch;
  std::size_t batch_bytes = 0;
  std::int64_t num_done = 0;
  const auto encode_batch = [&] {
    std::vector<std::vector<TokenId>> ids(batch.size());
    pool.parallel_for(static_cast<std::int64_t>(batch.size()), [&](std::int64_t k) {
      ids[static_cast<std::size_t>(k)] = tokenizer.encode(batch[static_cast<std::size_t>(k)].text);
    });
    for (std::size_t k = 0; k < batch.size(); ++k) writer.add(batch[k], ids[k]);
    num_done += static_cast<std::int64_t>(batch.size());
    progress.update(num_done);
    batch.clear();
    batch_bytes = 0;
  };
  progress.begin("shards: " + stem, 0, "documents");
  for_each_document(documents, [&](const Document& document) {
    batch.push_back(document);
    batch_bytes += document.text.size();
    if (batch_bytes >= kBatchBytes) encode_batch();
  });
  encode_batch();
  ShardResult result = writer.finish();
  progress.end();
  return result;
}

}  // namespace reprise::data
