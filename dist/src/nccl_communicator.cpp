// NCCL moves bytes and nothing else. Its communicator does not block: every start is polled, together with its
// asynchronous error and the ranks that the bootstrap knows, so that a rank that dies ends a wait instead of hanging
// it.

#include "nccl_communicator.h"

#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "gather_values.h"
#include "lost_ranks.h"
#include "reprise/core/error.h"
#include "reprise/core/wait_clock.h"
#include "reprise/dist/host_place.h"
#include "reprise/dist/nccl.h"

namespace reprise::dist {
namespace {

constexpr std::size_t kStagingBytes = std::size_t{256} << 20;
constexpr std::size_t kSmallestPiece = 64;
constexpr std::size_t kAlignment = 256;  // as cudaMalloc's
constexpr std::chrono::seconds kMusterPatience{10};

/// The part of `bytes` that piece number `piece` carries; empty behind the end.
template <typename Byte>
std::span<Byte> piece_of(std::span<Byte> bytes, std::size_t piece, std::size_t piece_bytes) {
  const std::size_t begin = std::min(bytes.size(), piece * piece_bytes);
  return bytes.subspan(begin, std::min(piece_bytes, bytes.size() - begin));
}

/// Bytes between the beginnings of messages that are staged side by side.
std::size_t room_for_each(const auto& messages) {
  std::size_t longest = 0;
  for (const auto& message : messages) longest = std::max(longest, message.bytes.size());
  return (longest + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

NcclCommunicator::NcclCommunicator(std::unique_ptr<Communicator> bootstrap, std::size_t staging_bytes)
    : bootstrap_(std::move(bootstrap)),
      piece_bytes_(std::max(kSmallestPiece, staging_bytes / static_cast<std::size_t>(bootstrap_->size()))),
      exceptions_at_start_(std::uncaught_exceptions()) {
  set_patience(bootstrap_->patience());
  std::string problem;
  std::string hint;
  // The places are gathered by every rank, also by one that has found a problem: the others wait for them.
  const HostPlace place = place_on_host(*bootstrap_);
  try {
    library_ = &load_nccl();
    take_device(place.index, place.num_ranks);
  } catch (const Error& error) {
    problem = error.what();
    hint = error.hint();
  }
  agree(problem, hint);
  send_buffer_ = std::make_unique<DeviceBuffer>(library_->cuda);
  receive_buffer_ = std::make_unique<DeviceBuffer>(library_->cuda);
  connect(share_unique_id());
}

NcclCommunicator::~NcclCommunicator() {
  if (library_ == nullptr || comm_ == nullptr) return;
  library_->cuda.set_device(device_);
  const bool in_order = !broken_ && std::uncaught_exceptions() <= exceptions_at_start_;
  try {
    if (in_order) {
      require(library_->nccl.comm_finalize(comm_), "cannot end NCCL");
      library_->nccl.comm_destroy(comm_);
      comm_ = nullptr;
    }
  } catch (...) {  // the other ranks have gone: require() has aborted NCCL
  }
  abort_nccl();
  if (stream_ != nullptr) library_->cuda.stream_destroy(stream_);
}

/// GPUs are counted among those that this process may see. One alone is taken: Slurm shows every task its own.
void NcclCommunicator::take_device(int place, int ranks_here) {
  int devices = 0;
  require_cuda(library_->cuda.get_device_count(&devices), "cannot count the GPUs");
  REPRISE_REQUIRE(devices > 0, ErrorKind::kDevice, "this machine has no GPU", "unset REPRISE_BACKEND");
  REPRISE_REQUIRE(devices == 1 || devices >= ranks_here, ErrorKind::kDevice,
                  fmt::format("{} ranks run on this machine, which has {} GPUs", ranks_here, devices),
                  "start at most as many ranks on a machine as it has GPUs");
  device_ = devices == 1 ? 0 : place;
  require_cuda(library_->cuda.set_device(device_), "cannot use the GPU");
}

/// Ends all ranks when one of them cannot take part; otherwise the others would wait for it.
void NcclCommunicator::agree(const std::string& problem, const std::string& hint) {
  const std::vector<char> problems = gather_values(*bootstrap_, static_cast<char>(problem.empty() ? 0 : 1));
  if (!problem.empty()) throw Error(ErrorKind::kDevice, "NCCL cannot be used: " + problem, hint);
  const auto first = std::find(problems.begin(), problems.end(), 1);
  if (first == problems.end()) return;
  throw Error(ErrorKind::kDistributed, fmt::format("rank {} cannot use NCCL", first - problems.begin()),
              "look at the output of that rank");
}

ncclUniqueId NcclCommunicator::share_unique_id() {
  struct Message {
    ncclUniqueId id{};
    ncclResult_t result = ncclSuccess;
  } message;
  if (rank() == 0) message.result = library_->nccl.get_unique_id(&message.id);
  bootstrap_->broadcast(std::as_writable_bytes(std::span(&message, 1)), 0);
  require(message.result, "rank 0 cannot make a unique id for NCCL");
  return message.id;
}

void NcclCommunicator::connect(const ncclUniqueId& id) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  require(library_->nccl.comm_init_rank_config(&comm_, size(), id, rank(), &config),
          "cannot connect the ranks by NCCL");
  // Beside a backward pass that fills the GPU, the blocks of a message come first.
  int least = 0, greatest = 0;
  require_cuda(library_->cuda.stream_priorities(&least, &greatest), "cannot ask for the priorities of streams");
  require_cuda(library_->cuda.stream_create(&stream_, kCudaStreamNonBlocking, greatest), "cannot make a stream");
}

/// A collective call begins.
void NcclCommunicator::start() {
  if (broken_) fail("the communicator failed before");
  require_cuda(library_->cuda.set_device(device_), "cannot use the GPU");
}

/// The messages between this rank and others, without the empty ones.
NcclCommunicator::Messages NcclCommunicator::messages_of(std::span<const std::span<const std::byte>> send,
                                                         std::span<const std::span<std::byte>> receive) const {
  REPRISE_CHECK_EQ(send.size(), static_cast<std::size_t>(size()));
  REPRISE_CHECK_EQ(receive.size(), static_cast<std::size_t>(size()));
  Messages messages;
  for (int other = 0; other < size(); ++other) {
    const auto at = static_cast<std::size_t>(other);
    if (other == rank()) continue;
    if (!send[at].empty()) messages.outgoing.push_back({other, send[at]});
    if (!receive[at].empty()) messages.incoming.push_back({other, receive[at]});
  }
  return messages;
}

void NcclCommunicator::all_to_all(std::span<const std::span<const std::byte>> send,
                                  std::span<const std::span<std::byte>> receive) {
  const auto [outgoing, incoming] = messages_of(send, receive);
  const auto me = static_cast<std::size_t>(rank());
  REPRISE_CHECK_EQ(send[me].size(), receive[me].size());
  if (!send[me].empty()) std::memmove(receive[me].data(), send[me].data(), send[me].size());
  exchange(outgoing, incoming);
}

void NcclCommunicator::all_gather(std::span<const std::byte> mine, std::span<const std::span<std::byte>> receive) {
  REPRISE_CHECK_EQ(receive.size(), static_cast<std::size_t>(size()));
  const auto has_my_size = [&](const auto& bytes) { return bytes.size() == mine.size(); };
  if (!std::all_of(receive.begin(), receive.end(), has_my_size)) {
    const std::vector<std::span<const std::byte>> send(static_cast<std::size_t>(size()), mine);
    return all_to_all(send, receive);
  }
  start();
  for (std::size_t done = 0; done < mine.size(); done += piece_bytes_) {
    const std::size_t bytes = std::min(piece_bytes_, mine.size() - done);
    std::byte* const to = receive_buffer_->at_least(bytes * receive.size());
    to_device(send_buffer_->at_least(bytes), mine.subspan(done, bytes));
    require(library_->nccl.all_gather(send_buffer_->at_least(bytes), to, bytes, ncclUint8, comm_, stream_),
            "cannot gather");
    wait_for_stream();
    for (std::size_t from = 0; from < receive.size(); ++from) {
      to_host(receive[from].subspan(done, bytes), to + from * bytes);
    }
    wait_for_stream();
  }
  bytes_sent_ += mine.size() * (receive.size() - 1);
}

void NcclCommunicator::broadcast(std::span<std::byte> bytes, int root) {
  REPRISE_CHECK(root >= 0 && root < size());
  start();
  for (std::size_t piece = 0; piece * piece_bytes_ < bytes.size(); ++piece) {
    const std::span<std::byte> part = piece_of(bytes, piece, piece_bytes_);
    std::byte* const memory = send_buffer_->at_least(part.size());
    if (rank() == root) to_device(memory, part);
    require(library_->nccl.broadcast(memory, memory, part.size(), ncclUint8, root, comm_, stream_), "cannot broadcast");
    wait_for_stream();
    if (rank() != root) to_host(part, memory);
    wait_for_stream();
  }
  if (rank() == root) bytes_sent_ += bytes.size() * static_cast<std::size_t>(size() - 1);
}

void NcclCommunicator::barrier() {
  if (broken_) fail("the communicator failed before");
  bootstrap_->set_patience(patience());
  bootstrap_->barrier();
}

void NcclCommunicator::abort(int exit_code, std::string_view reason) {
  abort_nccl();
  bootstrap_->abort(exit_code, reason);
  std::_Exit(exit_code);  // not reached
}

std::unique_ptr<Communicator> NcclCommunicator::duplicate() {
  bootstrap_->set_patience(patience());
  return bootstrap_->duplicate();
}

std::string NcclCommunicator::lost_rank() const {
  {
    const std::lock_guard lock(failure_mutex_);
    if (!failure_.empty()) return failure_;
  }
  return bootstrap_->lost_rank();
}

/// Both ends of a message cut it at the same places, so the pieces of a round match whatever else a rank sends in it.
void NcclCommunicator::exchange(std::span<const Outgoing> outgoing, std::span<const Incoming> incoming) {
  start();
  std::size_t longest = 0;
  for (const Outgoing& message : outgoing) longest = std::max(longest, message.bytes.size());
  for (const Incoming& message : incoming) longest = std::max(longest, message.bytes.size());
  std::vector<Outgoing> out;
  std::vector<Incoming> in;
  for (std::size_t piece = 0; piece * piece_bytes_ < longest; ++piece) {
    out.clear();
    in.clear();
    for (const Outgoing& message : outgoing) {
      const auto part = piece_of(message.bytes, piece, piece_bytes_);
      if (!part.empty()) out.push_back({message.peer, part});
    }
    for (const Incoming& message : incoming) {
      const auto part = piece_of(message.bytes, piece, piece_bytes_);
      if (!part.empty()) in.push_back({message.peer, part});
    }
    exchange_pieces(out, in);
  }
  count_sent(outgoing);
}

void NcclCommunicator::count_sent(std::span<const Outgoing> outgoing) {
  for (const Outgoing& message : outgoing) bytes_sent_ += message.bytes.size();
}

void NcclCommunicator::exchange_pieces(std::span<const Outgoing> outgoing, std::span<const Incoming> incoming) {
  const std::size_t send_step = room_for_each(outgoing);
  const std::size_t receive_step = room_for_each(incoming);
  std::byte* const send = send_buffer_->at_least(send_step * outgoing.size());
  std::byte* const receive = receive_buffer_->at_least(receive_step * incoming.size());
  for (std::size_t i = 0; i < outgoing.size(); ++i) to_device(send + i * send_step, outgoing[i].bytes);
  std::vector<Outgoing> staged_out;
  std::vector<Incoming> staged_in;
  for (std::size_t i = 0; i < outgoing.size(); ++i) {
    staged_out.push_back({outgoing[i].peer, {send + i * send_step, outgoing[i].bytes.size()}});
  }
  for (std::size_t i = 0; i < incoming.size(); ++i) {
    staged_in.push_back({incoming[i].peer, {receive + i * receive_step, incoming[i].bytes.size()}});
  }
  // A copy to pageable memory blocks until the stream comes to it, so it must not wait there for another rank.
  send_and_receive(staged_out, staged_in);
  for (std::size_t i = 0; i < incoming.size(); ++i) to_host(incoming[i].bytes, receive + i * receive_step);
  wait_for_stream();
}

void NcclCommunicator::to_device(std::byte* to, std::span<const std::byte> from) {
  require_cuda(library_->cuda.memcpy_async(to, from.data(), from.size(), kCudaMemcpyHostToDevice, stream_),
               "cannot copy to the GPU");
}

void NcclCommunicator::to_host(std::span<std::byte> to, const std::byte* from) {
  require_cuda(library_->cuda.memcpy_async(to.data(), from, to.size(), kCudaMemcpyDeviceToHost, stream_),
               "cannot copy from the GPU");
}

/// Polls `done`, NCCL's asynchronous error and the other ranks. The core is given away; ranks may outnumber cores.
void NcclCommunicator::wait_until(const std::function<bool()>& done) {
  WaitClock clock;
  for (std::int64_t turn = 0; !done(); ++turn) {
    if (turn < 200) {
      ::sched_yield();
      continue;
    }
    const timespec nap{0, turn < 2000 ? 20'000 : 200'000};
    ::nanosleep(&nap, nullptr);
    if (turn % 256 != 0) continue;
    clock.tick();
    if (const std::string lost = bootstrap_->lost_rank(); !lost.empty()) fail(lost, kLostRankHint);
    if (clock.exceeds(patience())) fail_by_missing_ranks();
  }
}

/// NCCL does not say who is missing. The bootstrap does: ranks that wait for NCCL lose patience at about the same time
/// and meet there, the others do not come.
void NcclCommunicator::fail_by_missing_ranks() {
  std::string missing;
  try {
    bootstrap_->set_patience(std::min(patience(), kMusterPatience));
    bootstrap_->barrier();
  } catch (const Error& error) {
    missing = std::string(": ") + error.what();
  }
  fail(fmt::format("NCCL has not ended an exchange for {} s{}", patience().count(), missing), kMissingRanksHint);
}

void NcclCommunicator::wait_for_stream() {
  wait_until([this] {
    const int code = library_->cuda.stream_query(stream_);
    if (code == kCudaSuccess) return true;
    if (code != kCudaErrorNotReady) require_cuda(code, "an exchange between ranks failed on the GPU");
    // CUDA keeps it as this thread's last error, which LibTorch would take for that of its next kernel.
    library_->cuda.get_last_error();
    ncclResult_t state = ncclSuccess;
    library_->nccl.comm_get_async_error(comm_, &state);
    if (state != ncclSuccess && state != ncclInProgress) fail_by_nccl(state, "an exchange between ranks failed");
    return false;
  });
}

/// A call that does not block may still be going on when it returns.
void NcclCommunicator::require(ncclResult_t result, const char* what) {
  if (result == ncclInProgress) {
    wait_until([&] {
      const ncclResult_t asked = library_->nccl.comm_get_async_error(comm_, &result);
      if (asked != ncclSuccess) result = asked;
      return result != ncclInProgress;
    });
  }
  if (result != ncclSuccess) fail_by_nccl(result, what);
}

void NcclCommunicator::require_cuda(int code, const char* what) {
  if (code == kCudaSuccess) return;
  library_->cuda.get_last_error();
  const std::string message = fmt::format("{}: {}", what, library_->cuda.get_error_string(code));
  if (comm_ != nullptr) fail(message);
  throw Error(ErrorKind::kDevice, message, "see `reprise doctor`, or unset REPRISE_BACKEND");
}

/// The loss of a rank shows as an error of NCCL, at once. Who it was is known to the bootstrap after a moment, which
/// also lets the launcher see the rank that failed before those that miss it.
void NcclCommunicator::fail_by_nccl(ncclResult_t result, const char* what) {
  const timespec nap{0, 100'000'000};
  for (int turn = 0; turn < 3 && comm_ != nullptr; ++turn) {
    ::nanosleep(&nap, nullptr);
    if (const std::string lost = bootstrap_->lost_rank(); !lost.empty()) fail(lost, kLostRankHint);
  }
  const char* const detail = comm_ == nullptr ? nullptr : library_->nccl.get_last_error(comm_);
  fail(fmt::format("{}: NCCL: {}{}{}", what, library_->nccl.get_error_string(result),
                   detail != nullptr && *detail != '\0' ? ": " : "", detail == nullptr ? "" : detail),
       "look at the output of the other ranks; NCCL_DEBUG=INFO says more");
}

void NcclCommunicator::fail(const std::string& message, std::string hint) {
  if (!broken_) {
    const std::lock_guard lock(failure_mutex_);
    failure_ = message;
  }
  broken_ = true;
  abort_nccl();
  throw Error(ErrorKind::kDistributed, message, std::move(hint));
}

/// Ends what NCCL still has going on; afterwards the memory it wrote to may be freed.
void NcclCommunicator::abort_nccl() {
  if (comm_ != nullptr) library_->nccl.comm_abort(comm_);
  comm_ = nullptr;
}

std::unique_ptr<Communicator> make_nccl_communicator(std::unique_ptr<Communicator> bootstrap) {
  return std::make_unique<NcclCommunicator>(std::move(bootstrap), kStagingBytes);
}

}  // namespace reprise::dist
