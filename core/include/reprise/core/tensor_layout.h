#pragma once
// Names, shapes and places of the tensors of a model in one flat float32 buffer, and the digests of such a buffer.
//
// Every tensor starts on a chunk boundary (kChunkElements) and the rest of its last chunk is zero, so that a chunk
// belongs to one tensor, slices of ranks can be cut at chunks, and chunk sums and chunk digests never straddle.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/core/hash.h"

namespace reprise {

/// Elements per chunk: the unit of the gradient norm, of slices and of digests (docs/numeric_contract.md).
inline constexpr std::int64_t kChunkElements = 4096;

struct TensorSpec {
  std::string name;                 // as in the Hugging Face checkpoint, e.g. "model.norm.weight"
  std::vector<std::int64_t> shape;  // row-major
  bool weight_decay = true;         // whether AdamW decays it

  /// kInternal for a size below 1, or for more elements than 64 bits count.
  std::int64_t num_elements() const;
};

/// A half-open range of chunks.
struct ChunkRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
};

class TensorLayout {
 public:
  struct Entry {
    TensorSpec spec;
    std::int64_t offset = 0;  // first element in the flat buffer, a multiple of kChunkElements
    std::int64_t first_chunk = 0;
    std::int64_t num_chunks = 0;
  };

  TensorLayout() = default;
  explicit TensorLayout(std::vector<TensorSpec> specs);

  const std::vector<Entry>& entries() const { return entries_; }
  std::int64_t num_chunks() const { return num_chunks_; }
  /// Elements of the flat buffer, padding included.
  std::int64_t num_elements() const { return num_chunks_ * kChunkElements; }
  /// Elements of the tensors alone.
  std::int64_t num_parameters() const { return num_parameters_; }

  /// Returns the entry named `name`, or nullptr.
  const Entry* find(std::string_view name) const;
  /// Returns the entry that owns `chunk`.
  const Entry& entry_of_chunk(std::int64_t chunk) const;
  /// Returns how many real (not padding) elements `chunk` holds.
  std::int64_t elements_in_chunk(std::int64_t chunk) const;

 private:
  std::vector<Entry> entries_;
  std::int64_t num_chunks_ = 0;
  std::int64_t num_parameters_ = 0;
};

/// Says where names or shapes of `found` are not those of `expected`, such as "2 tensors instead of 25"; nothing where
/// all are.
std::optional<std::string> first_difference(const TensorLayout& expected, const TensorLayout& found);

/// Returns the contiguous chunks that `rank` of `num_ranks` owns: the first (n mod R) ranks get one more.
ChunkRange chunk_slice(std::int64_t num_chunks, int rank, int num_ranks);

/// Returns SHA-256 of the real elements of each chunk in `range`; `flat` holds these chunks only, from range.begin.
std::vector<Digest> chunk_digests(const TensorLayout& layout, ChunkRange range, std::span<const float> flat);

/// Returns one digest per tensor, over its name, dtype, shape and the digests of its chunks (all of the layout's).
std::vector<Digest> tensor_digests(const TensorLayout& layout, std::span<const Digest> digests_of_chunks);

/// Returns the digest of one tensor from its chunk digests: CanonicalHasher "reprise.tensor.v1" with name, dtype
/// "float32", one i64 "dim" per dimension, one digest "chunk" per chunk.
Digest tensor_digest(const TensorSpec& spec, std::span<const Digest> digests_of_chunks);

}  // namespace reprise
