// A double of the few NCCL functions that the transport uses, for processes and threads without a GPU: bytes go through
// Unix sockets, one pair of ranks each. It is stricter than NCCL: memory that is not the GPU's, another thread's
// device, and sizes that do not match are errors. A rank that is gone shows as ncclRemoteError, and its exchange does
// not end until it is aborted, as a kernel of NCCL would not.
//
// NCCL_DOUBLE_FOLDER is where the sockets are (the folder for temporary files); NCCL_DOUBLE_VERSION is the version it
// says it is; NCCL_DOUBLE_REFUSES is the rank whose start fails. NCCL_DOUBLE_OTHER_MEMORY=1: messages may lie in memory
// of another double of the CUDA runtime, which is taken for a GPU's as it is.

#include <nccl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cuda_double.h"

namespace {

using nccl_double::is_device_memory;

bool is_a_gpus(const void* pointer, std::size_t bytes) {
  return is_device_memory(pointer, bytes) || nccl_double::number_from_environment("NCCL_DOUBLE_OTHER_MEMORY", 0) == 1;
}

void nap() { std::this_thread::sleep_for(std::chrono::microseconds(100)); }

sockaddr_un address_of(const std::string& folder, int rank) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder + "/" + std::to_string(rank);
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  return address;
}

/// One message of a group: a header with its size, then its bytes.
struct Operation {
  bool sends = false;
  int peer = 0;
  std::byte* bytes = nullptr;
  std::uint64_t size = 0;
  std::uint64_t header = 0;
  std::uint64_t moved = 0;  // of the header and the bytes

  bool done() const { return moved == size + sizeof header; }
};

/// Shared by the handle and by what a stream still has to do for it.
class Ranks {
 public:
  Ranks(std::string folder, int rank, int size)
      : folder_(std::move(folder)), rank_(rank), sockets_(static_cast<std::size_t>(size), -1) {
    connector_ = std::thread([this] { connect_all(); });
  }
  ~Ranks() {
    abort();
    for (const int socket : sockets_) {
      if (socket >= 0) ::close(socket);
    }
    std::error_code ignored;
    if (rank_ == 0) std::filesystem::remove_all(folder_, ignored);
  }

  int rank() const { return rank_; }
  int size() const { return static_cast<int>(sockets_.size()); }
  const int device = nccl_double::current_device();
  std::atomic<ncclResult_t> state = ncclInProgress;

  void abort() {
    aborted_ = true;
    if (connector_.joinable()) connector_.join();
  }

  /// All messages at once, those between the same two ranks in order.
  void run(std::vector<Operation> group) {
    bool any_left = true;
    while (any_left && !aborted_) {
      any_left = false;
      bool moved = false;
      std::vector<bool> busy(sockets_.size() * 2);
      for (Operation& operation : group) {
        const std::size_t lane = static_cast<std::size_t>(operation.peer) * 2 + (operation.sends ? 1 : 0);
        if (operation.done() || busy[lane]) continue;
        busy[lane] = true;
        any_left = true;
        moved = move(operation) || moved;
      }
      if (!moved) nap();
    }
  }

 private:
  /// Moves what can be moved now; returns whether that was something.
  bool move(Operation& operation) {
    const int socket = sockets_[static_cast<std::size_t>(operation.peer)];
    const bool in_header = operation.moved < sizeof operation.header;
    std::byte* const at = in_header ? reinterpret_cast<std::byte*>(&operation.header) + operation.moved
                                    : operation.bytes + (operation.moved - sizeof operation.header);
    const std::size_t left = in_header ? sizeof operation.header - operation.moved
                                       : operation.size + sizeof operation.header - operation.moved;
    if (operation.sends && operation.moved == 0) operation.header = operation.size;
    const ssize_t count = operation.sends ? ::send(socket, at, left, MSG_DONTWAIT | MSG_NOSIGNAL)
                                          : ::recv(socket, at, left, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (count <= 0) {
      state = ncclRemoteError;
      return false;
    }
    operation.moved += static_cast<std::uint64_t>(count);
    if (!operation.sends && operation.moved == sizeof operation.header && operation.header != operation.size) {
      state = ncclInvalidUsage;
      while (!aborted_) nap();
    }
    return true;
  }

  /// Higher ranks call lower ones.
  void connect_all() {
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un mine = address_of(folder_, rank_);
    ::bind(listener, reinterpret_cast<const sockaddr*>(&mine), sizeof mine);
    ::listen(listener, size());
    for (int peer = 0; peer < rank_ && !aborted_; ++peer) {
      const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const sockaddr_un other = address_of(folder_, peer);
      while (::connect(socket, reinterpret_cast<const sockaddr*>(&other), sizeof other) != 0 && !aborted_) nap();
      sockets_[static_cast<std::size_t>(peer)] = socket;
      if (::send(socket, &rank_, sizeof rank_, MSG_NOSIGNAL) != sizeof rank_) state = ncclRemoteError;
    }
    for (int missing = size() - 1 - rank_; missing > 0 && !aborted_;) {
      pollfd entry{listener, POLLIN, 0};
      if (::poll(&entry, 1, 1) != 1) continue;
      const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      int peer = 0;
      if (::recv(socket, &peer, sizeof peer, MSG_WAITALL) == sizeof peer) {
        sockets_[static_cast<std::size_t>(peer)] = socket;
        --missing;
      }
    }
    ::close(listener);
    if (!aborted_ && state == ncclInProgress) state = ncclSuccess;
  }

  std::string folder_;
  int rank_;
  std::vector<int> sockets_;  // by rank
  std::thread connector_;
  std::atomic<bool> aborted_ = false;
};

}  // namespace

struct ncclComm {
  std::shared_ptr<Ranks> ranks;
  bool finalized = false;
  int looks_until_finalized = 3;
};

namespace {

/// What a thread has said since ncclGroupStart.
struct Group {
  int depth = 0;
  ncclComm* comm = nullptr;
  CUstream_st* stream = nullptr;
  std::vector<Operation> operations;
};

thread_local Group group;

ncclResult_t launch() {
  if (group.operations.empty()) return ncclSuccess;
  group.stream->add([ranks = group.comm->ranks, operations = std::move(group.operations)] { ranks->run(operations); });
  group.operations.clear();
  return ncclInProgress;
}

ncclResult_t add(bool sends, const void* bytes, std::size_t size, int peer, ncclComm* comm, CUstream_st* stream) {
  if (comm->finalized || comm->ranks->state == ncclInProgress) return ncclInvalidUsage;
  if (comm->ranks->device != nccl_double::current_device()) return ncclInvalidUsage;
  if (peer < 0 || peer >= comm->ranks->size() || peer == comm->ranks->rank()) return ncclInvalidArgument;
  if (!is_a_gpus(bytes, size)) return ncclInvalidArgument;
  group.comm = comm;
  group.stream = stream;
  Operation operation;
  operation.sends = sends;
  operation.peer = peer;
  operation.bytes = static_cast<std::byte*>(const_cast<void*>(bytes));
  operation.size = size;
  group.operations.push_back(operation);
  return group.depth > 0 ? ncclSuccess : launch();
}

}  // namespace

extern "C" {

ncclResult_t ncclGetVersion(int* version) {
  *version = nccl_double::number_from_environment("NCCL_DOUBLE_VERSION", NCCL_VERSION_CODE);
  return ncclSuccess;
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  const char* const place = std::getenv("NCCL_DOUBLE_FOLDER");
  std::string folder = (place == nullptr ? std::filesystem::temp_directory_path().string() : place) + "/ranks_XXXXXX";
  if (folder.size() >= sizeof id->internal || ::mkdtemp(folder.data()) == nullptr) return ncclSystemError;
  std::memset(id->internal, 0, sizeof id->internal);
  std::memcpy(id->internal, folder.data(), folder.size());
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int size, ncclUniqueId id, int rank, ncclConfig_t* config) {
  if (config->magic != 0xcafebeef || config->blocking != 0) return ncclInvalidArgument;
  if (nccl_double::number_from_environment("NCCL_DOUBLE_REFUSES", -1) == rank) return ncclSystemError;
  *comm = new ncclComm{.ranks = std::make_shared<Ranks>(id.internal, rank, size)};
  return ncclInProgress;
}

ncclResult_t ncclCommFinalize(ncclComm_t comm) {
  comm->finalized = true;
  return ncclInProgress;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  const bool in_order = comm->finalized && comm->looks_until_finalized == 0;
  comm->ranks->abort();
  delete comm;
  return in_order ? ncclSuccess : ncclInvalidUsage;
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
  comm->ranks->abort();
  delete comm;
  return ncclSuccess;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* error) {
  *error = comm->ranks->state;
  if (comm->finalized && comm->looks_until_finalized > 0) {
    --comm->looks_until_finalized;
    *error = ncclInProgress;
  }
  return ncclSuccess;
}

const char* ncclGetErrorString(ncclResult_t result) {
  switch (result) {
    case ncclSuccess:
      return "no error";
    case ncclSystemError:
      return "unhandled system error (run with NCCL_DEBUG=INFO for details)";
    case ncclInvalidArgument:
      return "invalid argument (run with NCCL_DEBUG=WARN for details)";
    case ncclInvalidUsage:
      return "invalid usage (run with NCCL_DEBUG=WARN for details)";
    case ncclRemoteError:
      return "remote process exited or there was a network error";
    default:
      return "another error";
  }
}

const char* ncclGetLastError(ncclComm_t) { return "the double says no more"; }

ncclResult_t ncclGroupStart() {
  ++group.depth;
  return ncclSuccess;
}

ncclResult_t ncclGroupEnd() {
  if (group.depth == 0) return ncclInvalidUsage;
  return --group.depth == 0 ? launch() : ncclSuccess;
}

ncclResult_t ncclSend(const void* bytes, size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  return type == ncclUint8 ? add(true, bytes, count, peer, comm, stream) : ncclInvalidArgument;
}

ncclResult_t ncclRecv(void* bytes, size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t stream) {
  return type == ncclUint8 ? add(false, bytes, count, peer, comm, stream) : ncclInvalidArgument;
}

ncclResult_t ncclAllGather(const void* mine, void* all, size_t count, ncclDataType_t type, ncclComm_t comm,
                           cudaStream_t stream) {
  auto* const to = static_cast<std::byte*>(all);
  const auto size = static_cast<std::size_t>(comm->ranks->size());
  const auto me = static_cast<std::size_t>(comm->ranks->rank());
  if (!is_device_memory(mine, count) || !is_device_memory(all, count * size)) return ncclInvalidArgument;
  stream->add([=] { std::memcpy(to + me * count, mine, count); });
  ncclGroupStart();
  ncclResult_t result = ncclSuccess;
  for (std::size_t peer = 0; peer < size && result == ncclSuccess; ++peer) {
    if (peer == me) continue;
    result = ncclSend(mine, count, type, static_cast<int>(peer), comm, stream);
    if (result == ncclSuccess) result = ncclRecv(to + peer * count, count, type, static_cast<int>(peer), comm, stream);
  }
  const ncclResult_t ended = ncclGroupEnd();
  return result == ncclSuccess ? ended : result;
}

ncclResult_t ncclBroadcast(const void* from, void* to, size_t count, ncclDataType_t type, int root, ncclComm_t comm,
                           cudaStream_t stream) {
  if (from != to) return ncclInvalidArgument;  // the transport broadcasts in place
  if (comm->ranks->rank() != root) return ncclRecv(to, count, type, root, comm, stream);
  ncclGroupStart();
  ncclResult_t result = ncclSuccess;
  for (int peer = 0; peer < comm->ranks->size() && result == ncclSuccess; ++peer) {
    if (peer != root) result = ncclSend(from, count, type, peer, comm, stream);
  }
  const ncclResult_t ended = ncclGroupEnd();
  return result == ncclSuccess ? ended : result;
}

}  // extern "C"
