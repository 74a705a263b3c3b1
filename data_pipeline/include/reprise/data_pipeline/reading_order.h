#pragma once
// Which documents a step reads and which steps read a document, both ways without an index: the order of sequences is
// a permutation that can be turned round (docs/formats/shard.md, "Order of sequences"). What the trainer reads, too.
// Immutable; thread-safe.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "reprise/configs/batch_plan.h"
#include "reprise/data_pipeline/document_groups.h"
#include "reprise/data_pipeline/mixture.h"
#include "reprise/data_pipeline/shards.h"

namespace reprise::data {

/// One sequence of a batch.
struct SampleContent {
  std::uint32_t sample = 0;  // in the batch, from 0
  SamplePlace place;
  std::vector<DocumentPart> parts;
};

/// One time that a sequence with tokens of a document is read.
struct Visit {
  std::uint64_t step = 0;  // from 1
  SampleContent content;   // with the parts of that document alone
};

class ReadingOrder {
 public:
  /// `tokens` must outlive this. Throws kData when the shards hold no whole sequence, when a document belongs to no
  /// group, and when the groups cannot fill the stages.
  ReadingOrder(const TokenSet& tokens, const configs::Recipe& recipe, DataStart start = {});

  const TokenSet& tokens() const { return tokens_; }
  const DocumentGroups& groups() const { return groups_; }
  const Mixture& mixture() const { return mixture_; }
  /// Sequences of each step.
  const configs::BatchPlan& plan() const { return plan_; }
  std::uint64_t num_steps() const { return num_steps_; }
  const DataStart& start() const { return start_; }

  /// The step that reads the sample with that ordinal, and the first sample of a step. The batches are those of the
  /// plan; a run that goes on from another one begins with another sample than the plan does.
  std::uint64_t step_of(std::uint64_t ordinal) const { return plan_.step_of(ordinal - offset_); }
  std::uint64_t first_sample(std::uint64_t step) const { return plan_.first_sample(step) + offset_; }

  /// Copies inputs and targets of the sample with that ordinal, counted through the run from 0.
  void read_sample(std::uint64_t ordinal, std::int32_t* inputs, std::int32_t* targets) const;
  SampleContent content(std::uint64_t ordinal) const;

  /// The batch of step `step`, from start().step + 1 to num_steps; throws kUsage outside. With `sample` only that one.
  std::vector<SampleContent> batch(std::uint64_t step, std::optional<std::uint32_t> sample = {}) const;
  /// Every time the run reads tokens of `document` (an index into documents()), in the order of steps.
  std::vector<Visit> visits(std::size_t document) const;
  /// The document with that id.
  std::optional<std::size_t> find(std::string_view id) const;

 private:
  const TokenSet& tokens_;
  configs::BatchPlan plan_;
  std::uint64_t num_steps_;
  DataStart start_;
  std::uint64_t offset_;  // from ordinals of the plan to those of the run, modulo 2^64
  DocumentGroups groups_;
  Mixture mixture_;
};

}  // namespace reprise::data
