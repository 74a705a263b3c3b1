// Messages that begin and end in the memory of GPUs: nothing is staged, so nothing is cut into pieces.

#include "nccl_communicator.h"
#include "reprise/core/error.h"

namespace reprise::dist {
namespace {

/// Calls between the begin and the end of a group only note what is to be done.
bool is_noted(ncclResult_t result) { return result == ncclSuccess || result == ncclInProgress; }

}  // namespace

/// A group is ended also where one of its operations fails: NCCL would abort nothing before.
void NcclCommunicator::in_group(const std::function<ncclResult_t()>& operations) {
  require(library_->nccl.group_start(), "cannot start a group");
  const ncclResult_t noted = operations();
  const ncclResult_t started = library_->nccl.group_end();
  require(is_noted(noted) ? started : noted, "an exchange between ranks failed");
  wait_for_stream();
}

void NcclCommunicator::send_and_receive(std::span<const Outgoing> outgoing, std::span<const Incoming> incoming) {
  in_group([&] {
    ncclResult_t result = ncclSuccess;
    for (const auto& [peer, bytes] : outgoing) {
      if (is_noted(result)) {
        result = library_->nccl.send(bytes.data(), bytes.size(), ncclUint8, peer, comm_, stream_);
      }
    }
    for (const auto& [peer, bytes] : incoming) {
      if (is_noted(result)) {
        result = library_->nccl.recv(bytes.data(), bytes.size(), ncclUint8, peer, comm_, stream_);
      }
    }
    return result;
  });
}

void NcclCommunicator::all_to_all_on_gpu(std::span<const std::span<const std::byte>> send,
                                         std::span<const std::span<std::byte>> receive) {
  start();
  const auto [outgoing, incoming] = messages_of(send, receive);
  send_and_receive(outgoing, incoming);
  count_sent(outgoing);
}

/// A broadcast from each rank, all at once: ncclAllGather wants parts of one size.
void NcclCommunicator::all_gather_on_gpu(std::span<const std::span<std::byte>> parts) {
  REPRISE_CHECK_EQ(parts.size(), static_cast<std::size_t>(size()));
  start();
  in_group([&] {
    ncclResult_t result = ncclSuccess;
    for (int root = 0; root < size() && is_noted(result); ++root) {
      const std::span<std::byte> part = parts[static_cast<std::size_t>(root)];
      if (part.empty()) continue;
      result = library_->nccl.broadcast(part.data(), part.data(), part.size(), ncclUint8, root, comm_, stream_);
    }
    return result;
  });
  bytes_sent_ += parts[static_cast<std::size_t>(rank())].size() * static_cast<std::size_t>(size() - 1);
}

}  // namespace reprise::dist
