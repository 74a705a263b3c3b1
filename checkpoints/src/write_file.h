#pragma once
// The HDF5 part of writing a checkpoint, in two phases: one process lays the file out, with all that is small in it;
// then every process writes its part of the tensors' values into the places that are there already. So the bytes
// are the same from any number of ranks, and ranks that write together never change the file's structure.

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

/// Replaces `path` with a complete file but for the values of the tensors. Throws kIo.
void create_file(const std::filesystem::path& path, const FileContent& content);

/// Writes this process's values. `mpi_comm` is nullptr, or points to an MPI_Comm all of whose ranks make this call:
/// collective then. Throws kIo; with MPI only after every collective call has been made.
void write_values(const std::filesystem::path& path, const FileContent& content, const void* mpi_comm);

}  // namespace reprise::checkpoints
