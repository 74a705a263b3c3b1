// A whole file by one process: its space first, then its content, then its name.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "reprise/core/error.h"
#include "reprise/core/fault_point.h"
#include "reprise/core/files.h"
#include "reprise/core/partial_file.h"
#include "write_file.h"

namespace reprise::checkpoints {
namespace {

/// Asks the file system for all the space of a file (created when there is none), so that a full disk, a quota, a size
/// limit or a read-only folder is found out by one rank before anything is written.
void reserve_space(const std::filesystem::path& path, std::uint64_t bytes) {
  const auto fail = [&](std::string_view what, int error_number) {
    throw Error(ErrorKind::kIo, fmt::format("cannot {}: {}: {}", what, path.string(), system_reason(error_number)),
                system_hint(error_number));
  };
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) fail("create", errno);
  const int result = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes));  // returns the error, sets no errno
  ::close(fd);
  if (result != 0) fail(fmt::format("reserve {} bytes for", bytes), result);
}

}  // namespace

void prepare_file(const std::filesystem::path& path, const FileContent& content) {
  reserve_space(path, size_bound(content));
  create_file(path, content);  // HDF5 gives back what was reserved before, so it is reserved again
  reserve_space(path, std::filesystem::file_size(path));
}

void replace_file(const std::filesystem::path& path, const FileContent& content,
                  const std::function<void(const std::filesystem::path& temporary)>& check) {
  PartialFile file(path);
  prepare_file(file.temporary(), content);
  if (content.delta == nullptr) write_values(file.temporary(), content, nullptr);
  check(file.temporary());
  fault_point("before_rename");
  file.commit();
}

}  // namespace reprise::checkpoints
