#pragma once
// The MPI communicator, for mpi_communicator.cpp and its test (which makes the chunks small).

#include <mpi.h>
#include <sys/types.h>

#include <mutex>
#include <string>
#include <vector>

#include "reprise/dist/communicator.h"

namespace reprise::dist {

/// Throws kDistributed unless the thread level that MPI gives lets two threads of a rank send at the same time. One
/// rank sends nothing.
void require_thread_support(int provided, int num_ranks);

class MpiCommunicator : public Communicator {
 public:
  /// Messages longer than `max_message_bytes` are cut: MPI counts in int.
  explicit MpiCommunicator(std::size_t max_message_bytes);
  ~MpiCommunicator() override;
  MpiCommunicator(const MpiCommunicator&) = delete;
  MpiCommunicator& operator=(const MpiCommunicator&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::string_view backend() const override { return "mpi"; }
  void all_to_all(std::span<const std::span<const std::byte>> send,
                  std::span<const std::span<std::byte>> receive) override;
  void all_gather(std::span<const std::byte> mine, std::span<const std::span<std::byte>> receive) override;
  void broadcast(std::span<std::byte> bytes, int root) override;
  void barrier() override;
  [[noreturn]] void abort(int exit_code, std::string_view reason) override;
  std::unique_ptr<Communicator> duplicate() override;
  std::string lost_rank() const override;
  std::uint64_t bytes_sent() const override { return bytes_sent_; }
  const void* mpi_comm() const override { return &comm_; }

 private:
  struct DuplicateOf {
    MpiCommunicator& original;
  };
  explicit MpiCommunicator(DuplicateOf from);

  /// Another rank on this machine: asked whether it lives while this one waits for it.
  struct Peer {
    int rank = 0;
    pid_t process = 0;
  };

  void find_peers();
  void post_send(std::span<const std::byte> bytes, int to);
  void post_receive(std::span<std::byte> bytes, int from);
  void wait_for_posted();
  void check_received_sizes();
  void fail_by_missing_ranks();
  void cancel_receives();
  void require(int code, const char* what);
  [[noreturn]] void fail(const std::string& message, std::string hint = {});

  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0;
  int size_ = 1;
  std::size_t max_message_bytes_;
  bool is_duplicate_ = false;
  bool broken_ = false;  // after a failure nothing collective may be called, MPI_Finalize included
  int exceptions_at_start_;
  mutable std::mutex failure_mutex_;
  std::string failure_;
  std::uint64_t bytes_sent_ = 0;
  std::vector<Peer> peers_;

  struct Receive {
    int from = 0;
    std::size_t request = 0;
    int bytes = 0;
  };
  std::vector<MPI_Request> requests_;
  std::vector<int> partners_;  // by request: the other rank
  std::vector<MPI_Status> statuses_;
  std::vector<Receive> receives_;
};

}  // namespace reprise::dist
