// Started by nccl_mpirun_test.cpp under mpirun with REPRISE_BACKEND=nccl: runs one scenario on every rank and ends with
// 0 when all it saw was right.

#include <signal.h>
#include <stdlib.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "reprise/core/error.h"
#include "reprise/dist/communicator.h"
#include "reprise/dist/nccl.h"

namespace reprise::dist {
namespace {

std::byte pattern(int from, int to) { return static_cast<std::byte>(from * 16 + to); }

bool exchange_is_right(Communicator& ranks) {
  if (ranks.backend() != "nccl") return false;
  const auto size = static_cast<std::size_t>(ranks.size());
  std::vector<std::vector<std::byte>> out;
  std::vector<std::vector<std::byte>> in(size);
  std::uint64_t expected = 0;
  for (int other = 0; other < ranks.size(); ++other) {
    out.emplace_back(static_cast<std::size_t>(ranks.rank() * 1000 + other * 10), pattern(ranks.rank(), other));
    in[static_cast<std::size_t>(other)].resize(static_cast<std::size_t>(other * 1000 + ranks.rank() * 10));
    if (other != ranks.rank()) expected += out.back().size();
  }
  const std::vector<std::span<const std::byte>> send(out.begin(), out.end());
  const std::vector<std::span<std::byte>> receive(in.begin(), in.end());
  ranks.all_to_all(send, receive);
  ranks.barrier();
  for (int other = 0; other < ranks.size(); ++other) {
    for (const std::byte byte : in[static_cast<std::size_t>(other)]) {
      if (byte != pattern(other, ranks.rank())) return false;
    }
  }
  return ranks.bytes_sent() == expected && ranks.mpi_comm() != nullptr;
}

int run(const std::string& scenario) {
  if (scenario == "describe") {
    std::printf("%s\n", describe_nccl().c_str());
    return 0;
  }
  const char* const rank_text = std::getenv("OMPI_COMM_WORLD_RANK");
  const bool is_second = rank_text != nullptr && std::string(rank_text) == "1";
  if (scenario == "one_without" && is_second) ::setenv("NCCL_DOUBLE_DEVICES", "0", 1);
  const std::unique_ptr<Communicator> ranks = make_communicator();
  const bool is_last = ranks->rank() == ranks->size() - 1;
  if (scenario == "exchange") return exchange_is_right(*ranks) ? 0 : 1;
  if (scenario == "killed" && is_last) ::raise(SIGKILL);
  if (scenario == "abort" && is_last) ranks->abort(7, "the scenario asks for it");
  if (scenario == "throw" && is_last) throw Error(ErrorKind::kData, "the scenario asks for it");
  if (scenario == "late") {
    ranks->set_patience(std::chrono::seconds(1));
    if (is_last) std::this_thread::sleep_for(std::chrono::seconds(20));
  }
  exchange_is_right(*ranks);  // waits for a rank that never comes
  return 0;
}

}  // namespace
}  // namespace reprise::dist

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  // Ranks that are told to end because another died must still say why, as the product's handler lets them.
  ::signal(SIGTERM, SIG_IGN);
  try {
    return reprise::dist::run(argv[1]);
  } catch (const reprise::Error& error) {
    std::fprintf(stderr, "%s\n", error.formatted().c_str());
    return reprise::exit_code(error.kind());
  }
}
