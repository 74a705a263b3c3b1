#pragma once
// The HDF5 part of writing a checkpoint, in two phases: one process lays the file out, with all that is small in it;
// then every process writes its part of the tensors' values into the places that are there already. So the bytes
// are the same from any number of ranks, and ranks that write together never change the file's structure.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "reprise/checkpoints/average.h"
#include "reprise/checkpoints/checkpoint.h"

namespace reprise::checkpoints {

/// The weights as differences from an anchor, in place of their values.
struct DeltaContent {
  Anchor anchor;
  std::vector<std::vector<std::byte>> tensors;  // encode_delta() of each, in the order of the layout
};

/// Everything that goes into a file; of the values this process writes those of state.slice.
struct FileContent {
  const Header& header;
  const TensorLayout& layout;
  const StateDigests& digests;
  const StateView& state;
  Digest root;
  const DeltaContent* delta = nullptr;     // then nothing is left to write_values()
  const AverageRecipe* average = nullptr;  // then there are no digests of moments
  FailureListener on_failure = {};         // hears of a failed write of a value before anything waits for other ranks
};

/// Returns an upper bound of the size of the file.
std::uint64_t size_bound(const FileContent& content);

/// Replaces `path` with a complete file but for the values of the tensors (with differences: complete). Throws kIo.
void create_file(const std::filesystem::path& path, const FileContent& content);

/// Writes this process's values. `mpi_comm` is nullptr, or points to an MPI_Comm all of whose ranks make this call:
/// collective then. Throws kIo; with MPI only after every collective call has been made.
void write_values(const std::filesystem::path& path, const FileContent& content, const void* mpi_comm);

/// create_file() with the whole space of the file reserved before, so that a full disk, a quota, a size limit or a
/// read-only folder is found out before anything is written.
void prepare_file(const std::filesystem::path& path, const FileContent& content);

/// Puts a file that this process writes alone in the place of `path`: temporary name (PartialFile, so that no other
/// process writes it meanwhile), sync, rename. `check` looks at the temporary file before it gets its name. On failure
/// `path` is what it was, and no other file is left.
void replace_file(const std::filesystem::path& path, const FileContent& content,
                  const std::function<void(const std::filesystem::path& temporary)>& check);

}  // namespace reprise::checkpoints
