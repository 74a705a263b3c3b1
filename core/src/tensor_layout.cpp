#include "reprise/core/tensor_layout.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace reprise {

std::int64_t TensorSpec::num_elements() const {
  std::int64_t count = 1;
  for (std::int64_t dim : shape) {
    REPRISE_CHECK(dim > 0);
    REPRISE_CHECK(!__builtin_mul_overflow(count, dim, &count));
  }
  return count;
}

TensorLayout::TensorLayout(std::vector<TensorSpec> specs) {
  entries_.reserve(specs.size());
  for (TensorSpec& spec : specs) {
    Entry entry;
    entry.first_chunk = num_chunks_;
    entry.offset = num_chunks_ * kChunkElements;
    entry.num_chunks = (spec.num_elements() + kChunkElements - 1) / kChunkElements;
    num_chunks_ += entry.num_chunks;
    num_parameters_ += spec.num_elements();
    entry.spec = std::move(spec);
    entries_.push_back(std::move(entry));
  }
}

std::optional<std::string> first_difference(const TensorLayout& expected, const TensorLayout& found) {
  const auto text_of = [](const TensorSpec& spec) {
    return fmt::format("{} [{}]", spec.name, fmt::join(spec.shape, ", "));
  };
  const std::size_t count = expected.entries().size();
  if (found.entries().size() != count) {
    return fmt::format("{} tensors instead of {}", found.entries().size(), count);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const TensorSpec& ours = expected.entries()[i].spec;
    const TensorSpec& theirs = found.entries()[i].spec;
    if (ours.name != theirs.name || ours.shape != theirs.shape) {
      return fmt::format("tensor {} is {} instead of {}", i, text_of(theirs), text_of(ours));
    }
  }
  return std::nullopt;
}

const TensorLayout::Entry* TensorLayout::find(std::string_view name) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.spec.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

const TensorLayout::Entry& TensorLayout::entry_of_chunk(std::int64_t chunk) const {
  REPRISE_CHECK(chunk >= 0 && chunk < num_chunks_);
  const auto after = std::upper_bound(entries_.begin(), entries_.end(), chunk,
                                      [](std::int64_t c, const Entry& e) { return c < e.first_chunk; });
  return *std::prev(after);
}

std::int64_t TensorLayout::elements_in_chunk(std::int64_t chunk) const {
  const Entry& entry = entry_of_chunk(chunk);
  const std::int64_t before = (chunk - entry.first_chunk) * kChunkElements;
  return std::min(kChunkElements, entry.spec.num_elements() - before);
}

ChunkRange chunk_slice(std::int64_t num_chunks, int rank, int num_ranks) {
  const std::int64_t base = num_chunks / num_ranks;
  const std::int64_t extra = num_chunks % num_ranks;
  const std::int64_t begin = rank * base + std::min<std::int64_t>(rank, extra);
  return {begin, begin + base + (rank < extra ? 1 : 0)};
}

std::vector<Digest> chunk_digests(const TensorLayout& layout, ChunkRange range, std::span<const float> flat) {
  REPRISE_CHECK(static_cast<std::int64_t>(flat.size()) >= range.size() * kChunkElements);
  std::vector<Digest> digests;
  digests.reserve(static_cast<std::size_t>(range.size()));
  for (std::int64_t chunk = range.begin; chunk < range.end; ++chunk) {
    const auto offset = static_cast<std::size_t>((chunk - range.begin) * kChunkElements);
    const auto count = static_cast<std::size_t>(layout.elements_in_chunk(chunk));
    digests.push_back(sha256(std::as_bytes(flat.subspan(offset, count))));
  }
  return digests;
}

Digest tensor_digest(const TensorSpec& spec, std::span<const Digest> digests_of_chunks) {
  CanonicalHasher hasher("reprise.tensor.v1");
  hasher.string("name", spec.name).string("dtype", "float32");
  for (std::int64_t dim : spec.shape) hasher.i64("dim", dim);
  for (const Digest& chunk : digests_of_chunks) hasher.digest("chunk", chunk);
  return hasher.finish();
}

std::vector<Digest> tensor_digests(const TensorLayout& layout, std::span<const Digest> digests_of_chunks) {
  REPRISE_CHECK_EQ(static_cast<std::int64_t>(digests_of_chunks.size()), layout.num_chunks());
  std::vector<Digest> digests;
  digests.reserve(layout.entries().size());
  for (const TensorLayout::Entry& entry : layout.entries()) {
    digests.push_back(tensor_digest(entry.spec, digests_of_chunks.subspan(static_cast<std::size_t>(entry.first_chunk),
                                                                          static_cast<std::size_t>(entry.num_chunks))));
  }
  return digests;
}

}  // namespace reprise
