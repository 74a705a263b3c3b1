#pragma once
// Checkpoints: one HDF5 file each, the same bytes from any number of ranks; roots commit to contents, not to file bytes.
// Format: docs/formats/checkpoint.md. Debian's parallel HDF5 is not thread-safe: all calls of a process come from one
// thread at a time.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reprise/core/error.h"
#include "reprise/core/hash.h"
#include "reprise/core/tensor_layout.h"
#include "reprise/dist/communicator.h"

namespace reprise::checkpoints {

/// What a checkpoint is and everything else the future of the run depends on.
struct Header {
  std::uint64_t step = 0;              // optimizer steps done
  std::uint64_t tokens_seen = 0;
  std::uint64_t next_sample = 0;       // loader position: global ordinal of the next sequence
  std::uint64_t adam_step = 0;         // t of the bias corrections
  double beta1_power = 1.0;            // beta^t by repeated multiplication
  double beta2_power = 1.0;
  std::uint64_t seed = 0;              // Philox key; counters are functions of step and sample
  std::uint32_t contract_version = 1;
  Digest recipe_hash;
  Digest data_root;                    // of the token shards the run trains on
  Digest previous_root;                // of the previous scheduled checkpoint; all zero for step 0
  std::string recipe_text;             // the resolved recipe, for a reader who has only this file (not in the root;
                                       // recipe_hash is)
};

/// Digests of all chunks of the three parts, in chunk order.
struct StateDigests {
  std::vector<Digest> weights;
  std::vector<Digest> first_moments;
  std::vector<Digest> second_moments;
};

/// The state digest that run.log holds for every step: CanonicalHasher "reprise.state.v1" with u64 step, then for
/// weights, first_moments, second_moments a digest "tensor" per tensor.
Digest state_digest(std::uint64_t step, const TensorLayout& layout, const StateDigests& digests);

/// The root of a checkpoint: merkle_root over [header hash, every weight tensor digest, every first moment's, every
/// second moment's]; the header hash is CanonicalHasher "reprise.checkpoint.v1" over the Header's fields in order.
Digest checkpoint_root(const Header& header, const TensorLayout& layout, const StateDigests& digests);

/// What one rank gives to a write: its slice of the weights and of the moments.
struct StateView {
  ChunkRange slice;                       // chunk_slice() of this rank
  std::span<const float> weights;         // chunks of `slice` only, as the moments
  std::span<const float> first_moments;
  std::span<const float> second_moments;
  bool store_moments = false;             // false: the moments' digests only
};

enum class FileKind { kScheduled, kRecovery };

/// File name inside the run's checkpoints/ folder: "step-000123.h5" or "recovery-000123.h5".
std::string file_name(FileKind kind, std::uint64_t step);

/// Hears of a failure at once, on the thread that meets it.
using FailureListener = std::function<void(const Error&)>;

/// Writes one checkpoint, collectively on all ranks of `communicator` (parallel HDF5 when it has more than one):
/// temporary name, sync, rename. Returns the root. Passes the fault points "tensor_write" and "before_rename".
/// Throws kIo on every rank when any rank fails; the folder then holds no new file. HDF5 can hang when a rank
/// cannot write while a file is closed together: `on_failure` has heard why by then.
Digest write_checkpoint(const std::filesystem::path& folder, FileKind kind, const Header& header, const TensorLayout& layout,
                        const StateDigests& digests, const StateView& state, dist::Communicator& communicator,
                        const FailureListener& on_failure = {});

/// The checkpoint from which a file of differences differs.
struct Anchor {
  Digest root;
  std::uint64_t step = 0;
};

struct CheckpointInfo {
  std::filesystem::path path;
  FileKind kind = FileKind::kScheduled;
  Header header;
  Digest root;
  bool has_moments = false;
  std::uint64_t file_bytes = 0;
  std::optional<Anchor> anchor;  // when the weights are stored as differences (storage.h)
};

/// Lists complete checkpoints of a folder by step, scheduled and recovery; partial files are ignored.
std::vector<CheckpointInfo> list_checkpoints(const std::filesystem::path& folder);

/// Reads header and root of one file. Throws kCorrupt with path and what differs.
CheckpointInfo read_info(const std::filesystem::path& path);

struct LoadedCheckpoint {
  CheckpointInfo info;
  TensorLayout layout;
  std::vector<float> weights;         // flat
  std::vector<float> first_moments;   // flat, empty when not stored
  std::vector<float> second_moments;
  StateDigests digests;
};

/// Reads and verifies a whole checkpoint: every stored tensor against its chunk digests, the root against all. Throws
/// kCorrupt naming the tensor and chunk that differ. Of a file of differences the anchor is read too, from the same folder;
/// kCheckpoint when it is not there.
LoadedCheckpoint read_checkpoint(const std::filesystem::path& path);

/// The same, and verifies as much, but keeps the moments of the chunks `moments` alone: a rank's slice.
LoadedCheckpoint read_checkpoint(const std::filesystem::path& path, const ChunkRange& moments);

}  // namespace reprise::checkpoints
