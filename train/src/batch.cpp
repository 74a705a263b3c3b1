#include "batch.h"

#include <algorithm>
#include <bit>
#include <set>
#include <string_view>

namespace reprise::train {
namespace {

// The ids are hashed as they lie in memory.
static_assert(std::endian::native == std::endian::little);

std::string_view bytes_of(const std::vector<std::int32_t>& ids) {
  return {reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(std::int32_t)};
}

}  // namespace

void read_batch(const data::TokenSet& tokens, const data::SampleOrder& order, std::uint64_t first_sample,
                std::uint32_t num_sequences, std::uint32_t length, Batch& batch) {
  batch.first_sample = first_sample;
  batch.length = length;
  batch.sequences.resize(num_sequences);
  batch.inputs.resize(static_cast<std::size_t>(num_sequences) * length);
  batch.targets.resize(batch.inputs.size());
  for (std::size_t i = 0; i < num_sequences; ++i) {
    batch.sequences[i] = order.sequence_at(first_sample + i);
    tokens.read_sequence(batch.sequences[i], length, &batch.inputs[i * length], &batch.targets[i * length]);
  }
  batch.num_targets = static_cast<std::uint64_t>(
      std::count_if(batch.targets.begin(), batch.targets.end(), [](std::int32_t target) { return target >= 0; }));
}

Digest batch_hash(const Batch& batch) {
  return CanonicalHasher("reprise.batch.v1")
      .u64("num_sequences", batch.sequences.size())
      .u64("sequence_length", batch.length)
      .string("inputs", bytes_of(batch.inputs))
      .string("targets", bytes_of(batch.targets))
      .finish();
}

std::vector<std::string> document_ids(const data::TokenSet& tokens, const Batch& batch) {
  std::set<std::string> ids;
  for (std::uint64_t sequence : batch.sequences) {
    for (std::size_t document : tokens.documents_of(sequence, batch.length)) {
      ids.insert(tokens.documents()[document].id);
    }
  }
  return {ids.begin(), ids.end()};
}

}  // namespace reprise::train
