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

void read_batch(const data::ReadingOrder& order, std::uint64_t first_sample, std::uint64_t num_sequences,
                Batch& batch) {
  batch.first_sample = first_sample;
  batch.length = order.groups().sequence_length();
  batch.num_sequences = num_sequences;
  batch.inputs.resize(batch.num_sequences * batch.length);
  batch.targets.resize(batch.inputs.size());
  for (std::size_t i = 0; i < batch.num_sequences; ++i) {
    order.read_sample(first_sample + i, &batch.inputs[i * batch.length], &batch.targets[i * batch.length]);
  }
  batch.num_targets = static_cast<std::uint64_t>(
      std::count_if(batch.targets.begin(), batch.targets.end(), [](std::int32_t target) { return target >= 0; }));
}

Digest batch_hash(const Batch& batch) {
  return CanonicalHasher("reprise.batch.v1")
      .u64("num_sequences", batch.num_sequences)
      .u64("sequence_length", batch.length)
      .string("inputs", bytes_of(batch.inputs))
      .string("targets", bytes_of(batch.targets))
      .finish();
}

std::vector<std::string> document_ids(const data::ReadingOrder& order, const Batch& batch) {
  std::set<std::string> ids;
  for (std::uint64_t i = 0; i < batch.num_sequences; ++i) {
    for (const data::DocumentPart& part : order.content(batch.first_sample + i).parts) {
      ids.insert(order.tokens().documents()[part.document].id);
    }
  }
  return {ids.begin(), ids.end()};
}

}  // namespace reprise::train
