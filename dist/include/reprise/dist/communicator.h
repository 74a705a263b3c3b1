#pragma once
// Transport between ranks: it moves bytes and never adds a float (docs/numeric_contract.md). Collective calls must be
// made by all ranks in the same order, from one thread per rank; a second thread takes a duplicate(). Failures are
// Error(kDistributed).

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::dist {

class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual std::string_view backend() const = 0;  // "local", "mpi" or "nccl"

  /// Sends send[r] to rank r and receives receive[r] from it; both sides know the sizes. send[rank()] is copied.
  virtual void all_to_all(std::span<const std::span<const std::byte>> send,
                          std::span<const std::span<std::byte>> receive) = 0;
  /// Every rank gives `mine` and gets everyone's: receive[r] has the size that rank r gives.
  virtual void all_gather(std::span<const std::byte> mine, std::span<const std::span<std::byte>> receive) = 0;
  virtual void broadcast(std::span<std::byte> bytes, int root) = 0;
  virtual void barrier() = 0;

  // ---- Between the memories of GPUs. The GPU must have done its work on what is sent, and with what is received into;
  // what is received is there on return. Errors and patience as above.
  /// Which of the GPUs that this process sees these are for; none: host memory alone can be sent.
  virtual std::optional<int> gpu() const { return std::nullopt; }
  /// all_to_all() with addresses of gpu()'s memory. send[rank()] stays where it is.
  virtual void all_to_all_on_gpu(std::span<const std::span<const std::byte>> send,
                                 std::span<const std::span<std::byte>> receive);
  /// Rank r has values in its parts[r], in gpu()'s memory; fills in the other parts. All ranks give the same sizes.
  virtual void all_gather_on_gpu(std::span<const std::span<std::byte>> parts);

  /// Returns a second communicator over the same ranks, for another thread of each: messages of the two never meet.
  /// Patience carries over. Collective. To be destroyed before this one.
  virtual std::unique_ptr<Communicator> duplicate() = 0;

  /// Sets how long a collective call waits for other ranks before it throws and names those that have not come.
  /// 0, the default, waits for ever.
  void set_patience(std::chrono::seconds patience) { patience_ = patience; }
  std::chrono::seconds patience() const { return patience_; }

  /// Says which rank is known to have died, or why this communicator failed, or nothing. For any thread at any time.
  virtual std::string lost_rank() const { return {}; }
  /// Throws kDistributed when a rank is known to have died; for a rank that waits outside a collective call.
  void require_others_alive() const;

  /// Ends every rank with `exit_code`.
  [[noreturn]] virtual void abort(int exit_code, std::string_view reason) = 0;

  /// Bytes this rank has sent to other ranks so far.
  virtual std::uint64_t bytes_sent() const = 0;

  /// MPI_Comm of the mpi backend as an opaque pointer to it, or nullptr; for parallel HDF5.
  virtual const void* mpi_comm() const { return nullptr; }

 private:
  std::chrono::seconds patience_{0};
};

/// Returns the one-rank communicator.
std::unique_ptr<Communicator> make_local_communicator();

/// Initialises MPI (once a process) and returns the communicator over MPI_COMM_WORLD. MPI is finalised when it is
/// destroyed. Throws kDistributed, also when there are several ranks and this MPI does not let several threads call it.
std::unique_ptr<Communicator> make_mpi_communicator();

/// True when this process was started by mpirun or another launcher of MPI ranks.
bool launched_by_mpi();

/// What is to move the bytes between ranks: the variable REPRISE_BACKEND (mpi, nccl), or mpi where it is not set or
/// empty. Throws kUsage for another value.
std::string_view chosen_backend();

/// Makes the local communicator, or the MPI one when launched_by_mpi(), or the chosen_backend() NCCL, which takes the
/// other one to begin with.
std::unique_ptr<Communicator> make_communicator();

/// mpirun_command() of launch.h for ranks on this machine that are not bound to cores.
std::vector<std::string> mpirun_command(int num_ranks, std::span<const std::string> arguments);

}  // namespace reprise::dist
