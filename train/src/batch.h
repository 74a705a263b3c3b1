#pragma once
// The tokens of one step: which sequences, in which order, and the hash that run.log keeps of them.

#include <cstdint>
#include <string>
#include <vector>

#include "reprise/core/hash.h"
#include "reprise/data_pipeline/reading_order.h"

namespace reprise::train {

struct Batch {
  std::uint64_t first_sample = 0;  // global ordinal of the first sequence
  std::uint32_t length = 0;        // tokens per sequence
  std::uint64_t num_sequences = 0;
  std::vector<std::int32_t> inputs;   // num_sequences * length
  std::vector<std::int32_t> targets;  // negative: no target
  std::uint64_t num_targets = 0;      // N of the contract
};

/// Reads the sequences of one step, `num_sequences` from the ordinal `first_sample` on, into `batch`, whose memory is
/// used again.
void read_batch(const data::ReadingOrder& order, std::uint64_t first_sample, std::uint64_t num_sequences, Batch& batch);

/// CanonicalHasher "reprise.batch.v1": u64 "num_sequences", u64 "sequence_length", string "inputs", string "targets";
/// the strings are the token ids as little-endian int32, sequence after sequence.
Digest batch_hash(const Batch& batch);

/// Ids of the documents the batch touches, each once, sorted.
std::vector<std::string> document_ids(const data::ReadingOrder& order, const Batch& batch);

}  // namespace reprise::train
