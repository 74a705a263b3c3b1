#pragma once
// The NCCL communicator, for nccl_communicator.cpp and its test (which makes the pieces small).

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "device_buffer.h"
#include "nccl_library.h"
#include "reprise/dist/communicator.h"

namespace reprise::dist {

class NcclCommunicator : public Communicator {
 public:
  /// Messages between hosts' memories are staged on the GPU in pieces of at most `staging_bytes` for all ranks
  /// together, in each direction.
  NcclCommunicator(std::unique_ptr<Communicator> bootstrap, std::size_t staging_bytes);
  ~NcclCommunicator() override;
  NcclCommunicator(const NcclCommunicator&) = delete;
  NcclCommunicator& operator=(const NcclCommunicator&) = delete;

  int rank() const override { return bootstrap_->rank(); }
  int size() const override { return bootstrap_->size(); }
  std::string_view backend() const override { return "nccl"; }
  void all_to_all(std::span<const std::span<const std::byte>> send,
                  std::span<const std::span<std::byte>> receive) override;
  void all_gather(std::span<const std::byte> mine, std::span<const std::span<std::byte>> receive) override;
  void broadcast(std::span<std::byte> bytes, int root) override;
  void barrier() override;
  std::optional<int> gpu() const override { return device_; }
  void all_to_all_on_gpu(std::span<const std::span<const std::byte>> send,
                         std::span<const std::span<std::byte>> receive) override;
  void all_gather_on_gpu(std::span<const std::span<std::byte>> parts) override;
  [[noreturn]] void abort(int exit_code, std::string_view reason) override;
  /// A communicator of the bootstrap: what a second thread sends starts in host memory and is small.
  std::unique_ptr<Communicator> duplicate() override;
  std::string lost_rank() const override;
  std::uint64_t bytes_sent() const override { return bytes_sent_; }
  const void* mpi_comm() const override { return bootstrap_->mpi_comm(); }

 private:
  /// One end of a message: the bytes that go to, or come from, `peer`.
  struct Outgoing {
    int peer = 0;
    std::span<const std::byte> bytes;
  };
  struct Incoming {
    int peer = 0;
    std::span<std::byte> bytes;
  };
  struct Messages {
    std::vector<Outgoing> outgoing;
    std::vector<Incoming> incoming;
  };

  Messages messages_of(std::span<const std::span<const std::byte>> send,
                       std::span<const std::span<std::byte>> receive) const;
  void count_sent(std::span<const Outgoing> outgoing);
  void take_device(int place, int ranks_here);
  void agree(const std::string& problem, const std::string& hint);
  ncclUniqueId share_unique_id();
  void connect(const ncclUniqueId& id);
  void start();
  void exchange(std::span<const Outgoing> outgoing, std::span<const Incoming> incoming);
  void exchange_pieces(std::span<const Outgoing> outgoing, std::span<const Incoming> incoming);
  /// Of the GPU's memory, at once. Returns when all of it is done.
  void send_and_receive(std::span<const Outgoing> outgoing, std::span<const Incoming> incoming);
  /// Starts what `operations` starts as one group, and waits for it.
  void in_group(const std::function<ncclResult_t()>& operations);
  void to_device(std::byte* to, std::span<const std::byte> from);
  void to_host(std::span<std::byte> to, const std::byte* from);
  void wait_for_stream();
  void wait_until(const std::function<bool()>& done);
  void require(ncclResult_t result, const char* what);
  void require_cuda(int code, const char* what);
  [[noreturn]] void fail_by_missing_ranks();
  [[noreturn]] void fail_by_nccl(ncclResult_t result, const char* what);
  [[noreturn]] void fail(const std::string& message, std::string hint = {});
  void abort_nccl();

  std::unique_ptr<Communicator> bootstrap_;
  const NcclLibrary* library_ = nullptr;
  std::size_t piece_bytes_;
  int device_ = 0;
  ncclComm_t comm_ = nullptr;
  cudaStream_t stream_ = nullptr;
  std::unique_ptr<DeviceBuffer> send_buffer_;
  std::unique_ptr<DeviceBuffer> receive_buffer_;
  int exceptions_at_start_;
  bool broken_ = false;
  mutable std::mutex failure_mutex_;
  std::string failure_;
  std::uint64_t bytes_sent_ = 0;
};

}  // namespace reprise::dist
