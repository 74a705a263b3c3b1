// Started by mpirun_test.cpp under mpirun: runs one scenario on every rank and ends with 0 when all it saw was right.

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "mpi_communicator.h"
#include "reprise/core/error.h"
#include "reprise/core/stop.h"

namespace reprise::dist {
namespace {

std::byte pattern(int from, int to, std::size_t index) {
  return static_cast<std::byte>((static_cast<std::size_t>(from) * 31 + static_cast<std::size_t>(to) * 7 + index) &
                                0xff);
}

/// Rank r sends (r + 1) * (s + 2) - 2 bytes, times `scale`, to rank s: rank 0 sends nothing to itself.
std::size_t message_bytes(int from, int to, std::size_t scale) {
  return (static_cast<std::size_t>(from + 1) * static_cast<std::size_t>(to + 2) - 2) * scale;
}

bool all_to_all_is_right(Communicator& ranks, std::size_t scale) {
  std::vector<std::vector<std::byte>> out(static_cast<std::size_t>(ranks.size()));
  std::vector<std::vector<std::byte>> in(out.size());
  std::vector<std::span<const std::byte>> send;
  std::vector<std::span<std::byte>> receive;
  std::uint64_t expected = ranks.bytes_sent();
  for (int r = 0; r < ranks.size(); ++r) {
    const auto at = static_cast<std::size_t>(r);
    out[at].resize(message_bytes(ranks.rank(), r, scale));
    in[at].resize(message_bytes(r, ranks.rank(), scale));
    for (std::size_t i = 0; i < out[at].size(); ++i) out[at][i] = pattern(ranks.rank(), r, i);
    send.emplace_back(out[at]);
    receive.emplace_back(in[at]);
    if (r != ranks.rank()) expected += out[at].size();
  }
  ranks.all_to_all(send, receive);
  for (int r = 0; r < ranks.size(); ++r) {
    const auto at = static_cast<std::size_t>(r);
    for (std::size_t i = 0; i < in[at].size(); ++i) {
      if (in[at][i] != pattern(r, ranks.rank(), i)) return false;
    }
  }
  return ranks.bytes_sent() == expected;
}

bool gather_and_broadcast_are_right(Communicator& ranks) {
  std::vector<std::vector<std::byte>> in(static_cast<std::size_t>(ranks.size()));
  std::vector<std::span<std::byte>> receive;
  for (int r = 0; r < ranks.size(); ++r) {
    in[static_cast<std::size_t>(r)].resize(static_cast<std::size_t>(r) * 1000);
    receive.emplace_back(in[static_cast<std::size_t>(r)]);
  }
  const std::vector<std::byte> mine(static_cast<std::size_t>(ranks.rank()) * 1000, std::byte(ranks.rank()));
  ranks.all_gather(mine, receive);
  for (int r = 0; r < ranks.size(); ++r) {
    for (const std::byte b : in[static_cast<std::size_t>(r)]) {
      if (b != std::byte(r)) return false;
    }
  }
  for (int root = 0; root < ranks.size(); ++root) {
    std::vector<std::byte> bytes(5000, std::byte(ranks.rank() == root ? 77 : 0));
    ranks.broadcast(bytes, root);
    for (const std::byte b : bytes) {
      if (b != std::byte(77)) return false;
    }
  }
  ranks.barrier();
  return true;
}

/// Prints the time of one all-to-all of `bytes` per pair, as the slowest rank sees it.
void measure(Communicator& ranks, std::size_t bytes, int rounds) {
  std::vector<std::vector<std::byte>> out(static_cast<std::size_t>(ranks.size()), std::vector<std::byte>(bytes));
  std::vector<std::vector<std::byte>> in = out;
  const std::vector<std::span<const std::byte>> send(out.begin(), out.end());
  const std::vector<std::span<std::byte>> receive(in.begin(), in.end());
  ranks.all_to_all(send, receive);
  ranks.barrier();
  const auto start = std::chrono::steady_clock::now();
  for (int round = 0; round < rounds; ++round) ranks.all_to_all(send, receive);
  ranks.barrier();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (ranks.rank() == 0) {
    std::printf("%d ranks, %zu bytes a pair: %.1f us an all-to-all\n", ranks.size(), bytes, seconds / rounds * 1e6);
  }
}

/// The trainer's thread and the one that writes checkpoints, each on a communicator of its own.
bool two_threads_are_right(Communicator& ranks) {
  const std::unique_ptr<Communicator> second = ranks.duplicate();
  bool right = true;
  std::thread other([&] {
    for (int round = 0; round < 30 && right; ++round) right = all_to_all_is_right(*second, 500);
  });
  bool mine = true;
  for (int round = 0; round < 60 && mine; ++round) mine = all_to_all_is_right(ranks, 300);
  other.join();
  return mine && right;
}

int run(const std::string& scenario) {
  const bool small = scenario == "small_chunks";
  if (scenario == "no_shared_memory") {  // which is files
    const rlimit limit{1000, 1000};
    ::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  MpiCommunicator ranks(small ? 1000 : std::size_t{1} << 30);
  if (scenario == "exchange" || small) {
    const bool right =
        all_to_all_is_right(ranks, 1) && all_to_all_is_right(ranks, 997) && gather_and_broadcast_are_right(ranks);
    return right ? 0 : 1;
  }
  if (scenario == "two_threads") return two_threads_are_right(ranks) ? 0 : 1;
  if (scenario == "one_thread_at_a_time") require_thread_support(MPI_THREAD_SERIALIZED, ranks.size());
  if (scenario == "stuck" || scenario == "stuck_duplicate") {
    ranks.set_patience(std::chrono::seconds(1));
    const std::unique_ptr<Communicator> second = ranks.duplicate();
    if (ranks.rank() == 1) ::raise(SIGSTOP);
    (scenario == "stuck" ? ranks : *second).barrier();
    return 0;
  }
  if (scenario == "measure") {
    for (const std::size_t bytes : {64, 64 << 10, 2 << 20}) measure(ranks, bytes, bytes > 100000 ? 20 : 200);
    return 0;
  }
  if (scenario == "killed" && ranks.rank() == ranks.size() - 1) ::raise(SIGKILL);
  if (scenario == "abort" && ranks.rank() == ranks.size() - 1) ranks.abort(7, "the scenario asks for it");
  if (scenario == "throw" && ranks.rank() == ranks.size() - 1)
    throw Error(ErrorKind::kData, "the scenario asks for it");
  if (scenario == "stop") {
    std::printf("rank %d waits\n", ranks.rank());
    std::fflush(stdout);
    while (stop_signal() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::this_thread::sleep_for(std::chrono::milliseconds(2500));  // longer than mpirun gives after a SIGTERM
    ranks.barrier();
    return 128 + stop_signal();
  }
  if (scenario == "mismatch") {
    std::vector<std::byte> bytes(ranks.rank() == 0 ? 10 : 20);
    ranks.broadcast(bytes, 0);
    return 0;
  }
  ranks.barrier();  // waits for a rank that never comes
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
