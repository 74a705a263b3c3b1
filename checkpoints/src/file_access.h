#pragma once
// How a checkpoint file is opened for writing: the same settings for every driver, and a way out when writing fails.

#include <filesystem>

#include "hdf5_call.h"

namespace reprise::checkpoints {

/// An HDF5 file open for writing.
class WritableFile {
 public:
  /// `mpi_comm` is nullptr, or points to an MPI_Comm whose ranks all open the file together.
  WritableFile(const std::filesystem::path& path, const void* mpi_comm);
  ~WritableFile();
  WritableFile(const WritableFile&) = delete;
  WritableFile& operator=(const WritableFile&) = delete;

  /// Replaces the file with an empty one whose bytes do not depend on the clock.
  void create();
  /// Opens what create() made before, to write values into it.
  void open();
  /// Flushes and closes; HDF5 tells of a failed write as late as here. Throws the first failure since the beginning.
  void close();

  /// Sets whom to tell of the first failure, at once: with ranks that write together, closing may never end after it.
  void on_failure(std::function<void(const Error&)> tell) { tell_ = std::move(tell); }

  Calls& calls() { return calls_; }
  hid_t id() const { return file_.get(); }

 private:
  Handle access_list();
  void let_go_of_disk();

  std::string path_;
  const void* mpi_comm_;
  Calls calls_;
  Handle file_;
  std::function<void(const Error&)> tell_;
};

/// Attributes of an object, and links of a group, up to this many stay in its header in the order made.
inline constexpr unsigned kMaxCompact = 60000;

}  // namespace reprise::checkpoints
