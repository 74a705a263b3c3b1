#pragma once
// The HDF5 part of writing a checkpoint: one process with the POSIX driver, or all ranks together through MPI-IO.

#include <cstdint>
#include <filesystem>

#include "reprise/checkpoints/checkpoint.h"

namespace reprise::checkpoints {

/// Everything that goes into a file, and which chunks of it this process writes.
struct FileContent {
  const Header& header;
  const TensorLayout& layout;
  const StateDigests& digests;
  const StateView& state;
  ChunkRange weights;  // chunks of the weights that this process writes; of the moments it writes state.moments
  Digest root;
};

/// Returns an upper bound of the size of the file.
std::uint64_t size_bound(const FileContent& content);

/// Writes and closes `path`, which is replaced. `mpi_comm` is nullptr, or points to an MPI_Comm all of whose ranks make
/// this call; `first` is true on one rank. Throws kIo; with MPI only after every collective call has been made.
void write_file(const std::filesystem::path& path, const FileContent& content, const void* mpi_comm, bool first);

}  // namespace reprise::checkpoints
