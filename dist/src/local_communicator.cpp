// The one-rank communicator, and the choice between it and MPI.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "lost_ranks.h"
#include "reprise/core/error.h"
#include "reprise/core/print_note.h"
#include "reprise/dist/communicator.h"
#include "reprise/dist/nccl.h"

namespace reprise::dist {
namespace {

class LocalCommunicator : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  std::string_view backend() const override { return "local"; }

  void all_to_all(std::span<const std::span<const std::byte>> send,
                  std::span<const std::span<std::byte>> receive) override {
    REPRISE_CHECK_EQ(send.size(), std::size_t{1});
    all_gather(send[0], receive);
  }

  void all_gather(std::span<const std::byte> mine, std::span<const std::span<std::byte>> receive) override {
    REPRISE_CHECK_EQ(receive.size(), std::size_t{1});
    if (mine.size() != receive[0].size()) {
      throw Error(ErrorKind::kDistributed,
                  fmt::format("message sizes do not match: rank 0 sends {} bytes, rank 0 expects {}", mine.size(),
                              receive[0].size()));
    }
    if (!mine.empty()) std::memmove(receive[0].data(), mine.data(), mine.size());
  }

  void broadcast(std::span<std::byte>, int root) override { REPRISE_CHECK_EQ(root, 0); }
  void barrier() override {}

  [[noreturn]] void abort(int exit_code, std::string_view reason) override {
    print_note("rank 0 of 1 ends the run: {}\n", reason);
    std::fflush(nullptr);
    std::_Exit(exit_code);
  }

  std::unique_ptr<Communicator> duplicate() override { return std::make_unique<LocalCommunicator>(); }
  std::uint64_t bytes_sent() const override { return 0; }
};

}  // namespace

void Communicator::require_others_alive() const {
  const std::string lost = lost_rank();
  if (!lost.empty()) throw Error(ErrorKind::kDistributed, lost, kLostRankHint);
}

void Communicator::all_to_all_on_gpu(std::span<const std::span<const std::byte>>,
                                     std::span<const std::span<std::byte>>) {
  throw Error(ErrorKind::kInternal, "this communicator moves no memory of GPUs");
}

void Communicator::all_gather_on_gpu(std::span<const std::span<std::byte>>) {
  throw Error(ErrorKind::kInternal, "this communicator moves no memory of GPUs");
}

std::unique_ptr<Communicator> make_local_communicator() { return std::make_unique<LocalCommunicator>(); }

bool launched_by_mpi() {
  // mpirun of OpenMPI; PMI-2 and PMIx of other launchers, such as Slurm's srun.
  constexpr const char* kNames[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [](const char* name) { return std::getenv(name) != nullptr; });
}

std::string_view chosen_backend() {
  const char* const wish = std::getenv("REPRISE_BACKEND");
  const std::string_view backend = wish == nullptr || *wish == '\0' ? "mpi" : wish;
  REPRISE_REQUIRE(backend == "mpi" || backend == "nccl", ErrorKind::kUsage,
                  fmt::format("REPRISE_BACKEND is {}", backend), "choose mpi or nccl");
  return backend;
}

std::unique_ptr<Communicator> make_communicator() {
  const std::string_view backend = chosen_backend();
  auto communicator = launched_by_mpi() ? make_mpi_communicator() : make_local_communicator();
  return backend == "nccl" ? make_nccl_communicator(std::move(communicator)) : std::move(communicator);
}

}  // namespace reprise::dist
