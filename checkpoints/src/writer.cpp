// write_checkpoint: who writes what, agreement of the ranks on success, and the steps that make a file appear whole or
// not at all.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <new>
#include <optional>

#include "reprise/checkpoints/checkpoint.h"
#include "reprise/core/error.h"
#include "reprise/core/fault_point.h"
#include "reprise/core/files.h"
#include "reprise/dist/host_place.h"
#include "write_file.h"

namespace reprise::checkpoints {
namespace {

/// What a rank tells the others about its part of the work.
struct Report {
  std::uint32_t failed = 0;
  std::uint32_t kind = 0;
  std::array<char, 1024> message{};
  std::array<char, 512> hint{};
};

template <std::size_t N>
void copy_text(std::string_view text, std::array<char, N>& field) {
  std::memcpy(field.data(), text.data(), std::min(text.size(), N - 1));
}

/// Runs `work` and returns its failure, if any.
template <typename Work>
std::optional<Error> failure_of(Work&& work) {
  try {
    work();
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(ErrorKind::kOutOfMemory, "out of memory while writing a checkpoint",
                 "use more ranks or close programs");
  } catch (const std::exception& error) {
    return Error(ErrorKind::kIo, fmt::format("cannot write a checkpoint: {}", error.what()));
  }
}

/// Throws on every rank when any rank failed: the failure of the lowest one.
void agree(dist::Communicator& communicator, const std::optional<Error>& failure) {
  Report mine;
  if (failure) {
    mine.failed = 1;
    mine.kind = static_cast<std::uint32_t>(failure->kind());
    copy_text(failure->what(), mine.message);
    copy_text(failure->hint(), mine.hint);
  }
  std::vector<Report> reports(static_cast<std::size_t>(communicator.size()));
  std::vector<std::span<std::byte>> receive;
  for (Report& report : reports) receive.push_back(std::as_writable_bytes(std::span(&report, 1)));
  communicator.all_gather(std::as_bytes(std::span(&mine, 1)), receive);
  for (const Report& report : reports) {
    if (report.failed != 0) throw Error(static_cast<ErrorKind>(report.kind), report.message.data(), report.hint.data());
  }
}

void check_state(const Header& header, const TensorLayout& layout, const StateDigests& digests, const StateView& state,
                 const dist::Communicator& communicator) {
  const ChunkRange slice = chunk_slice(layout.num_chunks(), communicator.rank(), communicator.size());
  REPRISE_CHECK_EQ(state.slice.begin, slice.begin);
  REPRISE_CHECK_EQ(state.slice.end, slice.end);
  REPRISE_CHECK_EQ(static_cast<std::int64_t>(state.weights.size()), slice.size() * kChunkElements);
  if (state.store_moments) {
    REPRISE_CHECK_EQ(static_cast<std::int64_t>(state.first_moments.size()), slice.size() * kChunkElements);
    REPRISE_CHECK_EQ(static_cast<std::int64_t>(state.second_moments.size()), slice.size() * kChunkElements);
  }
  for (const std::vector<Digest>* part : {&digests.weights, &digests.first_moments, &digests.second_moments}) {
    REPRISE_CHECK_EQ(static_cast<std::int64_t>(part->size()), layout.num_chunks());
  }
  for (const TensorLayout::Entry& entry : layout.entries()) {
    REPRISE_CHECK(!entry.spec.name.empty() && entry.spec.name.find('/') == std::string::npos && entry.spec.name != ".");
  }
  REPRISE_CHECK(header.recipe_text.find('\0') == std::string::npos);
}

/// Sends every rank's slice of a buffer of the layout to rank 0.
std::vector<float> gather_to_first(std::span<const float> mine, std::int64_t num_chunks,
                                   dist::Communicator& communicator) {
  const auto num_ranks = static_cast<std::size_t>(communicator.size());
  const bool first = communicator.rank() == 0;
  std::vector<float> all(first ? static_cast<std::size_t>(num_chunks * kChunkElements) : 0);
  std::vector<std::span<const std::byte>> send(num_ranks);
  std::vector<std::span<std::byte>> receive(num_ranks);
  send[0] = std::as_bytes(mine);
  if (first) {
    for (int rank = 0; rank < communicator.size(); ++rank) {
      const ChunkRange slice = chunk_slice(num_chunks, rank, communicator.size());
      receive[static_cast<std::size_t>(rank)] =
          std::as_writable_bytes(std::span(all).subspan(static_cast<std::size_t>(slice.begin * kChunkElements),
                                                        static_cast<std::size_t>(slice.size() * kChunkElements)));
    }
  }
  communicator.all_to_all(send, receive);
  return all;
}

/// What this process writes: its slice when ranks write together, everything on the first rank otherwise.
struct Share {
  StateView state;
  std::vector<float> weights, first_moments, second_moments;  // gathered
};

Share share_of(const TensorLayout& layout, const StateView& state, bool together, dist::Communicator& communicator) {
  Share share{state, {}, {}, {}};
  if (together || communicator.size() == 1) return share;
  const auto gather = [&](std::span<const float>& values, std::vector<float>& all) {
    all = gather_to_first(values, layout.num_chunks(), communicator);
    values = all;
  };
  share.state.slice = {0, layout.num_chunks()};
  gather(share.state.weights, share.weights);
  if (!state.store_moments) return share;
  gather(share.state.first_moments, share.first_moments);
  gather(share.state.second_moments, share.second_moments);
  return share;
}

/// Throws kIo unless this rank finds the file that rank 0 has laid out with `size` bytes. MPI opens it on all ranks
/// together, and one that fails there leaves the others waiting inside.
void require_seen(const std::filesystem::path& path, std::uint64_t size, int rank) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);  // stat() alone may know an old state of a network's files
  const int reason = errno;
  struct stat found {};
  const bool is_open = file >= 0 && ::fstat(file, &found) == 0;
  if (file >= 0) ::close(file);
  if (is_open && static_cast<std::uint64_t>(found.st_size) == size) return;
  throw Error(
      ErrorKind::kIo,
      fmt::format("rank {} on {} does not find {} as rank 0 has made it: {}", rank, dist::host_name(), path.string(),
                  is_open ? fmt::format("it has {} bytes there, not {}", found.st_size, size) : system_reason(reason)),
      "the run folder must be on a file system that all machines share, under the same path "
      "(docs/reference/launch.md)");
}

/// Throws on every rank unless all find the file. Collective.
void expect_shared(const std::filesystem::path& path, dist::Communicator& communicator) {
  std::uint64_t size = 0;
  std::error_code error;
  if (communicator.rank() == 0) size = std::filesystem::file_size(path, error);
  communicator.broadcast(std::as_writable_bytes(std::span(&size, 1)), 0);
  agree(communicator, failure_of([&] { require_seen(path, size, communicator.rank()); }));
}

}  // namespace

std::string file_name(FileKind kind, std::uint64_t step) {
  return fmt::format("{}-{:06}.h5", kind == FileKind::kScheduled ? "step" : "recovery", step);
}

Digest write_checkpoint(const std::filesystem::path& folder, FileKind kind, const Header& header,
                        const TensorLayout& layout, const StateDigests& digests, const StateView& state,
                        dist::Communicator& communicator, const FailureListener& on_failure) {
  check_state(header, layout, digests, state, communicator);
  const std::filesystem::path path = folder / file_name(kind, header.step);
  const std::filesystem::path partial = partial_path(path);
  const bool first = communicator.rank() == 0;
  const bool together = communicator.size() > 1 && communicator.mpi_comm() != nullptr;
  const Share share = share_of(layout, state, together, communicator);
  FileContent content{header, layout, digests, share.state, checkpoint_root(header, layout, digests)};
  content.on_failure = on_failure;
  try {
    agree(communicator, failure_of([&] {
            if (!first) return;
            ::unlink(partial.c_str());  // what a killed process left
            prepare_file(partial, content);
          }));
    if (together) expect_shared(partial, communicator);
    agree(communicator, failure_of([&] {
            if (first || together) write_values(partial, content, together ? communicator.mpi_comm() : nullptr);
            fault_point("before_rename");
          }));
    agree(communicator, failure_of([&] {
            if (first) commit_file(partial, path);
            fault_point("after_rename");
          }));
  } catch (...) {
    if (first) ::unlink(partial.c_str());
    throw;
  }
  return content.root;
}

}  // namespace reprise::checkpoints
