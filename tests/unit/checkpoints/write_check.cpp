// Started by parallel_write_test.cpp, under mpirun or alone: writes the sample state and ends with 0, or says the error.
//   checkpoint_write_check FOLDER STEP weights|all [file size limit in bytes]
//   checkpoint_write_check FOLDER STEP unreserved   (HDF5 alone, without the reservation before it)

#include <signal.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "reprise/core/error.h"
#include "sample_state.h"
#include "write_file.h"

namespace reprise::checkpoints {
namespace {

void write(const SampleState& state, const std::filesystem::path& folder, const std::string& mode,
           dist::Communicator& communicator) {
  if (mode != "unreserved") {
    state.write(folder, mode == "all", communicator);
    return;
  }
  const int rank = communicator.rank();
  const StateView view = state.view(true, rank, communicator.size());
  const FileContent content{state.header, state.layout, state.digests, view, Digest{}};
  std::optional<Error> failure;
  try {
    if (rank == 0) create_file(folder / "unreserved.h5", content);
  } catch (const Error& error) {
    failure = error;
  }
  communicator.barrier();
  if (failure) throw *failure;
  write_values(folder / "unreserved.h5", content, communicator.mpi_comm());
}

}  // namespace
}  // namespace reprise::checkpoints

int main(int argc, char** argv) {
  using namespace reprise;
  if (argc < 4) return 2;
  ::signal(SIGXFSZ, SIG_IGN);
  ::signal(SIGTERM, SIG_IGN);
  try {
    const auto communicator = dist::make_communicator();
    if (argc > 4) {  // only now: MPI's shared memory is files too
      const rlimit limit{std::strtoul(argv[4], nullptr, 10), RLIM_INFINITY};
      ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    const checkpoints::SampleState state(std::strtoul(argv[2], nullptr, 10));
    int status = 0;
    try {
      checkpoints::write(state, argv[1], argv[3], *communicator);
    } catch (const Error& error) {
      std::fprintf(stderr, "rank %d: %s\n", communicator->rank(), error.formatted().c_str());
      status = exit_code(error.kind());
    }
    communicator->barrier();  // the communicator still works, and every rank gets here
    return status;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.formatted().c_str());
    return exit_code(error.kind());
  }
}
