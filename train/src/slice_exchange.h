#pragma once
// Carries partial gradient sums to the ranks that finish them: every rank owns a slice of chunks and gets, for each
// maximal subtree of grains that any rank has added, that slice of its sum. Moves bytes, between the hosts' memories or
// between those of GPUs; adds nothing.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "reprise/core/tensor_layout.h"
#include "reprise/dist/communicator.h"
#include "reprise/dist/reduction_tree.h"
#include "reprise/numerics/device.h"
#include "reprise/numerics/device_memory.h"

namespace reprise::train {

/// Sums over the grains that still have to be added in the tree's order; each holds the elements of this rank's slice.
struct SliceSums {
  std::span<const dist::LeafRange> nodes;
  std::span<float* const> sums;
  bool are_on_device = false;  // else in the host's memory
};

class SliceExchange {
 public:
  /// `parts`: the parts of the layout that run() will be called with. `device`: the GPU that the communicator moves
  /// memory of, where sums and slices then lie; null: they lie in the host's memory.
  SliceExchange(std::int64_t num_grains, const TensorLayout& layout, std::span<const ChunkRange> parts,
                dist::Communicator& communicator, numerics::Device* device = nullptr);

  bool is_on_device() const { return device_ != nullptr; }

  /// Chunks that `rank` owns.
  const ChunkRange& slice(int rank) const { return slices_[static_cast<std::size_t>(rank)]; }
  const ChunkRange& my_slice() const { return slice(communicator_.rank()); }
  /// Chunks of a part that this rank owns, possibly none.
  ChunkRange my_share(const ChunkRange& part) const { return share(communicator_.rank(), part); }

  /// All subtrees of all ranks, left to right: they cover the grains.
  std::span<const dist::LeafRange> nodes() const { return nodes_; }

  /// Exchanges a part of the layout; `partials` are that part of this rank's subtrees and must outlive the use of the
  /// result; on a device, the work on them must be done. Returns, for each of nodes(), the elements of my_share(part).
  /// What other ranks sent is valid until the next call; on a device, until the next call for this part, and the list
  /// itself until the next call. Passes the fault point "exchange". Any thread. Collective.
  std::span<float* const> run(const ChunkRange& part, std::span<const dist::TreeAdder::Partial> partials);

  /// Every rank has updated its slice of `flat` (a whole buffer of the layout); fills in everyone else's. On a device
  /// waits for its work before, on the thread that runs it. Collective.
  void gather_slices(std::span<float> flat);

  /// Memory for what other ranks send.
  std::int64_t receive_bytes() const;

 private:
  ChunkRange share(int rank, const ChunkRange& part) const;
  float* received(std::size_t rank, std::size_t subtree, const ChunkRange& part);
  void exchange_round(std::size_t round, const ChunkRange& part, std::span<const dist::TreeAdder::Partial> partials);

  dist::Communicator& communicator_;
  numerics::Device* device_;
  std::vector<ChunkRange> slices_;                      // by rank
  std::vector<std::vector<dist::LeafRange>> subtrees_;  // by rank
  std::int64_t received_elements_ = 0;                  // of a subtree: a share, on a device the slice
  std::vector<float> host_memory_;
  std::optional<numerics::DeviceMemory> device_memory_;
  std::vector<std::vector<float*>> received_;  // by rank and subtree; empty for this rank
  std::vector<dist::LeafRange> nodes_;
  std::vector<float*> pointers_;
  std::vector<float> outgoing_;
  std::size_t num_rounds_ = 0;
};

}  // namespace reprise::train
