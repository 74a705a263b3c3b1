#pragma once
// Which documents a step reads and which steps read a document, both ways without an index: the order of sequences is
// a permutation that can be turned round (docs/formats/shard.md, "Order of sequences"). Immutable; thread-safe.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "reprise/data_pipeline/shards.h"

namespace reprise::data {

/// What of a recipe decides the order.
struct ReadingPlan {
  std::uint64_t seed = 0;
  std::uint32_t sequence_length = 0;  // tokens
  std::uint32_t batch_sequences = 0;
  std::uint64_t num_steps = 0;
};

/// The tokens of a document that one sequence holds, inputs and the last target together.
struct DocumentPart {
  std::size_t document = 0;       // index into TokenSet::documents()
  std::uint64_t first_token = 0;  // within the document; its end_of_text counts as the token after its last
  std::uint64_t num_tokens = 0;
  std::uint32_t position = 0;  // in the sequence, of the first of them
};

/// One sequence of a batch.
struct SampleContent {
  std::uint32_t sample = 0;    // in the batch, from 0
  std::uint64_t epoch = 0;     // from 0
  std::uint64_t sequence = 0;  // in the token set
  std::vector<DocumentPart> parts;
};

/// One time that a sequence with tokens of a document is read.
struct Visit {
  std::uint64_t step = 0;  // from 1
  SampleContent content;   // with the parts of that document alone
};

class ReadingOrder {
 public:
  /// `tokens` must outlive this. Throws kData when the shards hold no whole sequence.
  ReadingOrder(const TokenSet& tokens, const ReadingPlan& plan);

  /// The batch of step `step`, from 1 to num_steps; throws kUsage outside. With `sample` only that one.
  std::vector<SampleContent> batch(std::uint64_t step, std::optional<std::uint32_t> sample = {}) const;
  /// Every time the run reads tokens of `document` (an index into documents()), in the order of steps.
  std::vector<Visit> visits(std::size_t document) const;
  /// The document with that id.
  std::optional<std::size_t> find(std::string_view id) const;

 private:
  std::vector<DocumentPart> parts_of(std::uint64_t sequence) const;

  const TokenSet& tokens_;
  ReadingPlan plan_;
  SampleOrder order_;
};

}  // namespace reprise::data
