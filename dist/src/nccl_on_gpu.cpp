// Messages that begin and end in the memory of GPUs: nothing is staged, so nothing is cut into pieces.

#include "nccl_communicator.h"
#include "reprise/core/error.h"

namespace reprise::dist {

void NcclCommunicator::all_to_all_on_gpu(std::span<const std::span<const std::byte>> send,
                                         std::span<const std::span<std::byte>> receive) {
  REPRISE_CHECK_EQ(send.size(), static_cast<std::size_t>(size()));
  REPRISE_CHECK_EQ(receive.size(), static_cast<std::size_t>(size()));
  start();
  require(library_->nccl.group_start(), "cannot start a group");
  for (int other = 0; other < size(); ++other) {
    if (other == rank()) continue;
    const std::span<const std::byte> out = send[static_cast<std::size_t>(other)];
    const std::span<std::byte> in = receive[static_cast<std::size_t>(other)];
    if (!out.empty()) {
      require(library_->nccl.send(out.data(), out.size(), ncclUint8, other, comm_, stream_), "cannot send");
    }
    if (!in.empty()) {
      require(library_->nccl.recv(in.data(), in.size(), ncclUint8, other, comm_, stream_), "cannot receive");
    }
    bytes_sent_ += out.size();
  }
  require(library_->nccl.group_end(), "an exchange between ranks failed");
  wait_for_stream();
}

/// A broadcast from each rank, all at once: ncclAllGather wants parts of one size.
void NcclCommunicator::all_gather_on_gpu(std::span<const std::span<std::byte>> parts) {
  REPRISE_CHECK_EQ(parts.size(), static_cast<std::size_t>(size()));
  start();
  require(library_->nccl.group_start(), "cannot start a group");
  for (int root = 0; root < size(); ++root) {
    const std::span<std::byte> part = parts[static_cast<std::size_t>(root)];
    if (part.empty()) continue;
    require(library_->nccl.broadcast(part.data(), part.data(), part.size(), ncclUint8, root, comm_, stream_),
            "cannot broadcast");
  }
  require(library_->nccl.group_end(), "an exchange between ranks failed");
  wait_for_stream();
  bytes_sent_ += parts[static_cast<std::size_t>(rank())].size() * static_cast<std::size_t>(size() - 1);
}

}  // namespace reprise::dist
