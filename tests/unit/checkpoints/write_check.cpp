// Started by parallel_write_test.cpp, under mpirun or alone: writes the sample state and ends with 0, or says the error.
//   checkpoint_write_check FOLDER STEP weights|all [file size limit in bytes]

#include <signal.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "reprise/core/error.h"
#include "sample_state.h"

int main(int argc, char** argv) {
  using namespace reprise;
  if (argc < 4) return 2;
  ::signal(SIGXFSZ, SIG_IGN);
  ::signal(SIGTERM, SIG_IGN);
  if (argc > 4) {
    const rlimit limit{std::strtoul(argv[4], nullptr, 10), RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  try {
    const auto communicator = dist::make_communicator();
    const checkpoints::SampleState state(std::strtoul(argv[2], nullptr, 10));
    try {
      state.write(argv[1], std::string(argv[3]) == "all", *communicator);
    } catch (const Error& error) {
      // Every rank must get here: the error is agreed on, and the communicator still works.
      communicator->barrier();
      std::fprintf(stderr, "rank %d: %s\n", communicator->rank(), error.formatted().c_str());
      return exit_code(error.kind());
    }
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.formatted().c_str());
    return exit_code(error.kind());
  }
}
