#pragma once
// Token shards in HDF5 (docs/formats/shard.md) and the order in which a run reads them.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "reprise/core/hash.h"
#include "reprise/core/progress.h"
#include "reprise/data_pipeline/tokenizer.h"

namespace reprise::data {

inline constexpr std::uint64_t kMaxTokensPerShard = std::uint64_t{64} << 20;

struct ShardResult {
  Digest root;                   // over token values, document boundaries, ids and source offsets of all shards
  std::uint64_t num_tokens = 0;  // end-of-text tokens included
  std::uint64_t num_documents = 0;
  std::vector<std::filesystem::path> files;
};

/// Encodes documents (as written by build_corpus, in their order) into <folder>/<stem>-00000.h5, ...; the same input
/// gives the same file bytes. Each document is followed by end_of_text. A shard is cut between documents, before it
/// would hold more than `max_tokens_per_shard`; the root does not depend on the cuts. Shards of the same stem that an
/// earlier call left beyond the last one are removed. HDF5 runs on the calling thread.
ShardResult write_shards(const std::filesystem::path& documents, const Tokenizer& tokenizer,
                         const std::filesystem::path& folder, const std::string& stem, int num_threads,
                         ProgressSink& progress, std::uint64_t max_tokens_per_shard = kMaxTokensPerShard);

struct DocumentSpan {
  std::string id;
  std::string language;
  std::string kind;
  std::string source;
  std::uint64_t first_token = 0;  // in the concatenated shards
  std::uint64_t num_tokens = 0;   // without end_of_text
  std::uint64_t num_bytes = 0;    // of the text
  std::string source_file;        // input file and 1-based line the document came from
  std::uint64_t source_line = 0;
};

/// All shards of one stem, read into memory and verified. Immutable; thread-safe.
class TokenSet {
 public:
  /// Throws kCorrupt (file, dataset, what differs), kIo.
  static TokenSet open(const std::filesystem::path& folder, const std::string& stem);

  std::span<const std::uint16_t> tokens() const { return tokens_; }
  const std::vector<DocumentSpan>& documents() const { return documents_; }
  const Digest& root() const { return root_; }
  /// Digest of the tokenizer that made the tokens.
  const Digest& tokenizer() const { return tokenizer_; }

  /// Number of whole sequences: floor((num_tokens - 1) / length).
  std::uint64_t num_sequences(std::uint32_t length) const;
  /// Copies inputs [s*length, (s+1)*length) and targets one further of sequence `s`.
  void read_sequence(std::uint64_t sequence, std::uint32_t length, std::int32_t* inputs, std::int32_t* targets) const;
  /// Documents that sequence `s` touches (inputs and targets), as indices into documents(), ascending.
  std::vector<std::size_t> documents_of(std::uint64_t sequence, std::uint32_t length) const;

 private:
  std::vector<std::uint16_t> tokens_;
  std::vector<DocumentSpan> documents_;
  Digest root_;
  Digest tokenizer_;
};

/// The root that the last shard of a stem states. Reads that shard alone and verifies nothing, for those who only ask
/// of what data a folder is: TokenSet::open() holds and verifies all tokens. Throws kCorrupt where shards are missing
/// behind it.
Digest stated_root(const std::filesystem::path& folder, const std::string& stem);

/// The order of sequences: per epoch a keyed Feistel permutation with cycle walking. A function of seed, epoch, group
/// and number of sequences; nothing is stored. Both directions in constant time.
class SampleOrder {
 public:
  /// `group`: place of a group in the recipe, below 2^29; where there are no groups, 0.
  SampleOrder(std::uint64_t seed, std::uint64_t num_sequences, std::uint32_t group = 0);
  /// Sequence read at global ordinal `sample` (epoch = sample / num_sequences).
  std::uint64_t sequence_at(std::uint64_t sample) const;
  /// Ordinal inside `epoch`, counted from the run's start, at which `sequence` is read.
  std::uint64_t sample_of(std::uint64_t sequence, std::uint64_t epoch) const;

 private:
  std::uint64_t seed_;
  std::uint64_t num_sequences_;
  std::uint32_t group_;
};

}  // namespace reprise::data
