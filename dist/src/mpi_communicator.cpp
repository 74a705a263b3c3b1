// MPI moves bytes and nothing else: non-blocking messages between pairs, then a wait of our own, which gives the core
// away while it waits (ranks may outnumber cores) and notices when a rank on this machine has died.

#include "mpi_communicator.h"

#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>

#include "lost_ranks.h"
#include "reprise/core/error.h"
#include "reprise/core/fault_point.h"
#include "reprise/core/print_note.h"
#include "reprise/core/stop.h"
#include "reprise/core/wait_clock.h"

namespace reprise::dist {
namespace {

constexpr std::size_t kMaxMessageBytes = std::size_t{1} << 30;
constexpr int kTag = 1;

/// What a rank tells the others about where it runs.
struct Place {
  std::array<char, 256> host{};
  std::int64_t process = 0;
};

std::string mpi_message(int code) {
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) return fmt::format("MPI error {}", code);
  return std::string(text, static_cast<std::size_t>(length));
}

/// Gives the core away between two looks at the requests: at first only to whoever waits for it, then for longer.
class Idle {
 public:
  void pause() {
    if (++turns_ < 200) {
      ::sched_yield();
      return;
    }
    const timespec nap{0, turns_ < 2000 ? 20'000 : 200'000};
    ::nanosleep(&nap, nullptr);
  }

  /// True about ten times a second.
  bool check_is_due() {
    if (turns_ < 200) return false;
    const auto now = std::chrono::steady_clock::now();
    if (now - last_check_ < std::chrono::milliseconds(100)) return false;
    last_check_ = now;
    clock_.tick(now);
    return true;
  }

  const WaitClock& clock() const { return clock_; }

 private:
  std::int64_t turns_ = 0;
  std::chrono::steady_clock::time_point last_check_ = std::chrono::steady_clock::now();
  WaitClock clock_{last_check_};
};

/// A killed process that nobody has waited for yet still has its number, but runs no more: state Z or X.
bool has_ended(pid_t process) {
  if (::kill(process, 0) != 0) return errno == ESRCH;
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string line;
  if (!std::getline(file, line)) return false;  // no /proc here: believe kill()
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= line.size()) return false;
  return line[name_end + 2] == 'Z' || line[name_end + 2] == 'X';
}

/// mpirun cannot pass SIGINT and SIGTERM on; run_ranks() sends these in their place. A second one ends the process.
void on_forwarded_signal(int signal_number) {
  if (stop_signal() != 0) {
    ::signal(SIGTERM, SIG_DFL);
    ::raise(SIGTERM);
  }
  request_stop(signal_number == SIGUSR1 ? SIGINT : SIGTERM);
}

void accept_forwarded_signals() {
  struct sigaction action {};
  action.sa_handler = on_forwarded_signal;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGUSR1, &action, nullptr);
  ::sigaction(SIGUSR2, &action, nullptr);
}

/// MPI_Init ends the process when it fails; mpirun --quiet, which hides mpirun's remarks on our own errors, must not
/// hide why.
int start_mpi(int* provided) {
  ::unsetenv("OMPI_MCA_orte_execute_quiet");
  return MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, provided);
}

}  // namespace

void require_thread_support(int provided, int num_ranks) {
  REPRISE_REQUIRE(provided >= MPI_THREAD_MULTIPLE || num_ranks == 1, ErrorKind::kDistributed,
                  fmt::format("this MPI lets one thread of a rank send at a time (level {}; needed is "
                              "MPI_THREAD_MULTIPLE, level {}): checkpoints are written by a thread of their own",
                              provided, MPI_THREAD_MULTIPLE),
                  "install OpenMPI with thread support (Debian: libopenmpi-dev), or run with one rank");
}

MpiCommunicator::MpiCommunicator(std::size_t max_message_bytes)
    : max_message_bytes_(max_message_bytes), exceptions_at_start_(std::uncaught_exceptions()) {
  int initialised = 0;
  require(MPI_Initialized(&initialised), "cannot ask MPI whether it runs");
  if (initialised != 0) {
    throw Error(ErrorKind::kDistributed, "MPI was already initialised in this process",
                "make one MPI communicator a process and pass it on");
  }
  int provided = 0;
  require(start_mpi(&provided), "cannot start MPI");
  require(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "cannot set the MPI error handler");
  require(MPI_Comm_dup(MPI_COMM_WORLD, &comm_), "cannot copy MPI_COMM_WORLD");
  require(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "cannot set the MPI error handler");
  require(MPI_Comm_rank(comm_, &rank_), "cannot ask for the rank");
  require(MPI_Comm_size(comm_, &size_), "cannot ask for the number of ranks");
  require_thread_support(provided, size_);
  set_fault_rank(rank_);
  accept_forwarded_signals();
  find_peers();
}

MpiCommunicator::MpiCommunicator(DuplicateOf from)
    : rank_(from.original.rank_),
      size_(from.original.size_),
      max_message_bytes_(from.original.max_message_bytes_),
      is_duplicate_(true),
      exceptions_at_start_(std::uncaught_exceptions()),
      peers_(from.original.peers_) {
  from.original.barrier();  // MPI_Comm_dup waits without end; this wait notices a rank that died
  require(MPI_Comm_dup(from.original.comm_, &comm_), "cannot copy a communicator");
  require(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "cannot set the MPI error handler");
  set_patience(from.original.patience());
}

std::unique_ptr<Communicator> MpiCommunicator::duplicate() {
  return std::unique_ptr<Communicator>(new MpiCommunicator(DuplicateOf{*this}));
}

MpiCommunicator::~MpiCommunicator() {
  // MPI_Finalize waits for the other ranks. After a failure they may never come: the process then ends without it,
  // which makes mpirun end the others too.
  if (broken_ || std::uncaught_exceptions() > exceptions_at_start_) return;
  if (is_duplicate_) {
    MPI_Comm_free(&comm_);
    return;
  }
  try {
    barrier();
  } catch (...) {
    return;
  }
  MPI_Comm_free(&comm_);
  MPI_Finalize();
}

void MpiCommunicator::find_peers() {
  Place mine;
  ::gethostname(mine.host.data(), mine.host.size() - 1);
  mine.process = ::getpid();
  std::vector<Place> places(static_cast<std::size_t>(size_));
  std::vector<std::span<std::byte>> receive;
  for (Place& place : places) receive.push_back(std::as_writable_bytes(std::span(&place, 1)));
  all_gather(std::as_bytes(std::span(&mine, 1)), receive);
  bytes_sent_ = 0;
  for (int r = 0; r < size_; ++r) {
    const Place& place = places[static_cast<std::size_t>(r)];
    const auto process = static_cast<pid_t>(place.process);
    // Equal host names do not always mean one process table (containers), so ask once while the peer must be alive.
    if (r != rank_ && place.host == mine.host && ::kill(process, 0) == 0) peers_.push_back({r, process});
  }
  barrier();
}

std::string MpiCommunicator::lost_rank() const {
  {
    const std::lock_guard lock(failure_mutex_);
    if (!failure_.empty()) return failure_;
  }
  for (const Peer& peer : peers_) {
    if (has_ended(peer.process)) {
      return fmt::format("rank {} has died (process {}); rank {} cannot go on without it", peer.rank, peer.process,
                         rank_);
    }
  }
  return {};
}

void MpiCommunicator::post_send(std::span<const std::byte> bytes, int to) {
  bytes_sent_ += bytes.size();
  do {
    const std::size_t count = std::min(bytes.size(), max_message_bytes_);
    requests_.push_back(MPI_REQUEST_NULL);
    partners_.push_back(to);
    require(MPI_Isend(bytes.data(), static_cast<int>(count), MPI_BYTE, to, kTag, comm_, &requests_.back()),
            "cannot send");
    bytes = bytes.subspan(count);
  } while (!bytes.empty());
}

void MpiCommunicator::post_receive(std::span<std::byte> bytes, int from) {
  do {
    const std::size_t count = std::min(bytes.size(), max_message_bytes_);
    receives_.push_back({from, requests_.size(), static_cast<int>(count)});
    requests_.push_back(MPI_REQUEST_NULL);
    partners_.push_back(from);
    require(MPI_Irecv(bytes.data(), static_cast<int>(count), MPI_BYTE, from, kTag, comm_, &requests_.back()),
            "cannot receive");
    bytes = bytes.subspan(count);
  } while (!bytes.empty());
}

void MpiCommunicator::wait_for_posted() {
  statuses_.assign(requests_.size(), MPI_Status{});
  Idle idle;
  while (true) {
    int done = 0;
    int code = MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, statuses_.data());
    if (code == MPI_ERR_IN_STATUS) {
      for (const MPI_Status& status : statuses_) {
        if (status.MPI_ERROR != MPI_SUCCESS && status.MPI_ERROR != MPI_ERR_PENDING) code = status.MPI_ERROR;
      }
    }
    require(code, "an exchange between ranks failed");
    if (done != 0) break;
    idle.pause();
    if (!idle.check_is_due()) continue;
    const std::string lost = lost_rank();
    if (!lost.empty()) fail(lost, kLostRankHint);
    if (idle.clock().exceeds(patience())) fail_by_missing_ranks();
  }
  check_received_sizes();
  requests_.clear();
  partners_.clear();
  receives_.clear();
}

/// A message that has not come names its sender; where all have come, a message that was not taken names its receiver.
void MpiCommunicator::fail_by_missing_ranks() {
  std::vector<bool> open(requests_.size());
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    int done = 0;
    require(MPI_Request_get_status(requests_[i], &done, MPI_STATUS_IGNORE), "an exchange between ranks failed");
    open[i] = done == 0;
  }
  std::vector<int> missing;
  for (const Receive& receive : receives_) {
    if (open[receive.request]) missing.push_back(receive.from);
  }
  for (std::size_t i = 0; i < open.size() && missing.empty(); ++i) {
    if (open[i]) missing.push_back(partners_[i]);
  }
  std::sort(missing.begin(), missing.end());
  missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
  // They may all have come between the last look and this one.
  if (!missing.empty()) fail(missing_ranks_message(missing, rank_, patience()), kMissingRanksHint);
}

void MpiCommunicator::check_received_sizes() {
  for (const Receive& receive : receives_) {
    int bytes = 0;
    require(MPI_Get_count(&statuses_[receive.request], MPI_BYTE, &bytes), "cannot read the size of a message");
    if (bytes != receive.bytes) {
      fail(fmt::format("message sizes do not match: rank {} sends {} bytes, rank {} expects {}", receive.from, bytes,
                       rank_, receive.bytes));
    }
  }
}

void MpiCommunicator::require(int code, const char* what) {
  if (code != MPI_SUCCESS) fail(fmt::format("{}: {}", what, mpi_message(code)));
}

void MpiCommunicator::fail(const std::string& message, std::string hint) {
  broken_ = true;
  {
    const std::lock_guard lock(failure_mutex_);
    failure_ = message;
  }
  cancel_receives();
  throw Error(ErrorKind::kDistributed, message, std::move(hint));
}

/// The caller frees the memory of what has not come; the process may live on for a moment, and MPI with it.
void MpiCommunicator::cancel_receives() {
  for (const Receive& receive : receives_) {
    MPI_Request& request = requests_[receive.request];
    if (request != MPI_REQUEST_NULL) MPI_Cancel(&request);
  }
  receives_.clear();
}

void MpiCommunicator::all_to_all(std::span<const std::span<const std::byte>> send,
                                 std::span<const std::span<std::byte>> receive) {
  REPRISE_CHECK_EQ(send.size(), static_cast<std::size_t>(size_));
  REPRISE_CHECK_EQ(receive.size(), static_cast<std::size_t>(size_));
  if (broken_) fail("the communicator failed before");
  const auto me = static_cast<std::size_t>(rank_);
  REPRISE_CHECK_EQ(send[me].size(), receive[me].size());
  // Each rank starts with its neighbour, so that no rank is everybody's first.
  for (int distance = 1; distance < size_; ++distance) {
    const int from = (rank_ + size_ - distance) % size_;
    post_receive(receive[static_cast<std::size_t>(from)], from);
  }
  for (int distance = 1; distance < size_; ++distance) {
    const int to = (rank_ + distance) % size_;
    post_send(send[static_cast<std::size_t>(to)], to);
  }
  if (!send[me].empty()) std::memmove(receive[me].data(), send[me].data(), send[me].size());
  wait_for_posted();
}

void MpiCommunicator::all_gather(std::span<const std::byte> mine, std::span<const std::span<std::byte>> receive) {
  const std::vector<std::span<const std::byte>> send(static_cast<std::size_t>(size_), mine);
  all_to_all(send, receive);
}

void MpiCommunicator::broadcast(std::span<std::byte> bytes, int root) {
  REPRISE_CHECK(root >= 0 && root < size_);
  if (broken_) fail("the communicator failed before");
  if (rank_ != root) {
    post_receive(bytes, root);
  } else {
    for (int to = 0; to < size_; ++to) {
      if (to != root) post_send(bytes, to);
    }
  }
  wait_for_posted();
}

/// Messages without content rather than MPI_Ibarrier, which could not say who has not come.
void MpiCommunicator::barrier() {
  const auto count = static_cast<std::size_t>(size_);
  all_to_all(std::vector<std::span<const std::byte>>(count), std::vector<std::span<std::byte>>(count));
}

void MpiCommunicator::abort(int exit_code, std::string_view reason) {
  print_note("rank {} of {} ends the run: {}\n", rank_, size_, reason);
  std::fflush(nullptr);
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

std::unique_ptr<Communicator> make_mpi_communicator() { return std::make_unique<MpiCommunicator>(kMaxMessageBytes); }

}  // namespace reprise::dist
