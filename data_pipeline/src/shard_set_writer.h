#pragma once
// The shards of one stem, written one behind the other. Not thread-safe; HDF5 runs on the calling thread.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "reprise/core/hash.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/shards.h"
#include "shard_content.h"

namespace reprise::data {

class ShardSetWriter {
 public:
  /// Throws kData where ids of the tokenizer do not fit into shards.
  ShardSetWriter(const Tokenizer& tokenizer, std::filesystem::path folder, std::string stem, std::uint64_t max_tokens);

  /// Adds the next document. A document is never cut: one that is longer than a shard gets a shard of its own.
  void add(const Document& document, const std::vector<TokenId>& ids);

  /// Writes the last shard, and removes those that an earlier set of the same stem left beyond it.
  ShardResult finish();

 private:
  void flush(bool is_last);
  void remove_stale_files() const;

  std::filesystem::path folder_;
  std::string stem_;
  std::uint64_t max_tokens_;
  ShardAttributes attributes_;
  ShardColumns columns_;
  std::vector<Digest> leaves_;
  ShardResult result_;
};

}  // namespace reprise::data
