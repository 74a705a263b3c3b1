#include "file_access.h"

#include <mpi.h>
#include <sys/mman.h>
#include <unistd.h>

namespace reprise::checkpoints {

WritableFile::WritableFile(const std::filesystem::path& path, const void* mpi_comm)
    : path_(path.string()),
      mpi_comm_(mpi_comm),
      calls_(path_, ErrorKind::kIo, mpi_comm == nullptr ? Calls::OnFailure::kThrow : Calls::OnFailure::kKeepGoing) {
  calls_.at_first_failure([this] {
    if (tell_) tell_(*calls_.failure());
    let_go_of_disk();
  });
}

WritableFile::~WritableFile() {
  file_.close();
  take_hdf5_message();
}

/// After a failure HDF5 still wants to write what it holds when objects and file are closed; when that fails too, it
/// keeps them half closed and crashes at exit. So the file gets memory in place of the disk, and closing succeeds.
void WritableFile::let_go_of_disk() {
  void* descriptor = nullptr;
  if (mpi_comm_ != nullptr || file_.get() < 0) return;
  if (H5Fget_vfd_handle(file_.get(), H5P_DEFAULT, &descriptor) < 0) return;
  const int memory = ::memfd_create("reprise", MFD_CLOEXEC);
  if (memory < 0) return;
  ::dup2(memory, *static_cast<int*>(descriptor));
  ::close(memory);
}

Handle WritableFile::access_list() {
  Handle list = calls_.own(H5Pcreate(H5P_FILE_ACCESS), "prepare");
  calls_.check(H5Pset_libver_bounds(list.get(), H5F_LIBVER_V110, H5F_LIBVER_V110), "prepare");
  calls_.check(H5Pset_fclose_degree(list.get(), H5F_CLOSE_STRONG), "prepare");
  calls_.check(H5Pset_file_locking(list.get(), false, true), "prepare");  // the temporary name is this run's alone
  calls_.check(H5Pset_sieve_buf_size(list.get(), 0), "prepare");          // values go out in H5Dwrite, not when closing
  calls_.check(H5Pset_meta_block_size(list.get(), 1 << 16), "prepare");
  if (mpi_comm_ != nullptr) {
    calls_.check(H5Pset_fapl_mpio(list.get(), *static_cast<const MPI_Comm*>(mpi_comm_), MPI_INFO_NULL), "prepare");
  }
  return list;
}

void WritableFile::create() {
  const Handle access = access_list();
  const Handle list = calls_.own(H5Pcreate(H5P_FILE_CREATE), "prepare");
  calls_.check(H5Pset_obj_track_times(list.get(), false), "prepare");  // or the root group keeps a clock
  calls_.check(H5Pset_attr_phase_change(list.get(), kMaxCompact, 0), "prepare");
  file_ = calls_.own(H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, list.get(), access.get()), "create");
}

void WritableFile::open() {
  const Handle access = access_list();
  file_ = calls_.own(H5Fopen(path_.c_str(), H5F_ACC_RDWR, access.get()), "open for writing");
}

void WritableFile::close() {
  calls_.check(H5Fflush(file_.get(), H5F_SCOPE_GLOBAL), "flush");
  calls_.check(file_.close(), "close");
  if (calls_.failure()) throw *calls_.failure();
}

}  // namespace reprise::checkpoints
