#include "reprise/core/partial_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "descriptor_lock.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise {

namespace {

/// A rename would put a file in the place of a pipe or a device, or of a name of the system such as /dev/stdout.
void require_place_of_file(const std::filesystem::path& path) {
  struct stat info {};
  const bool is_there = ::stat(path.c_str(), &info) == 0;
  if (path.parent_path() != "/dev" && (!is_there || S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))) return;
  throw Error(ErrorKind::kUsage, fmt::format("{} is a pipe or a device, and no file", path.string()), "name a file");
}

/// Opens `path`, new or left by another process: with that one's lock nobody writes it. What cannot be written can
/// often be read, which is enough to lock it. A link in a foreign folder is not followed, a pipe not waited for.
int open_to_lock(const std::filesystem::path& path) {
  constexpr int kFlags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | kFlags, 0644);
  if (descriptor >= 0 || (errno != EACCES && errno != ENXIO)) return descriptor;
  const int reason = errno;
  const int readable = ::open(path.c_str(), O_RDONLY | kFlags);
  errno = reason;
  return readable;
}

/// Whether nothing has to be cut, which would cut what has the same file under another name.
bool is_new(int descriptor) {
  struct stat info {};
  return (::fcntl(descriptor, F_GETFL) & O_ACCMODE) == O_WRONLY && ::fstat(descriptor, &info) == 0 &&
         S_ISREG(info.st_mode) && info.st_size == 0 && info.st_nlink <= 1;
}

}  // namespace

PartialFile::PartialFile(std::filesystem::path path, std::chrono::milliseconds patience)
    : path_(std::move(path)), temporary_(partial_path(path_)) {
  require_place_of_file(path_);
  while (true) {
    descriptor_ = open_to_lock(temporary_);
    if (descriptor_ < 0) fail_at_temporary("cannot create");
    const bool locked = wait_for_lock(descriptor_, patience);
    const bool is_held = locked && is_named(descriptor_, temporary_);
    if (is_held && is_new(descriptor_)) return;
    const bool is_removed = !is_held || ::unlink(temporary_.c_str()) == 0;
    const int reason = errno;
    ::close(descriptor_);
    errno = reason;
    if (!is_removed) fail_at_temporary("cannot remove");
    if (locked) continue;  // its last writer has given it its name, or it is removed
    throw Error(ErrorKind::kIo, fmt::format("another process is writing {}", path_.string()),
                fmt::format("wait for it to end, or stop it; `fuser -v {}` names it", temporary_.string()));
  }
}

PartialFile::~PartialFile() {
  if (is_named(descriptor_, temporary_)) ::unlink(temporary_.c_str());
  ::close(descriptor_);
}

void PartialFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      fail("cannot write");
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void PartialFile::rewind() {
  if (::lseek(descriptor_, 0, SEEK_SET) < 0) fail("cannot rewind");
}

void PartialFile::commit() { commit_file(temporary_, path_); }

void PartialFile::fail(std::string_view what) const {
  const int reason = errno;
  throw Error(ErrorKind::kIo, fmt::format("{}: {}: {}", what, path_.string(), system_reason(reason)),
              system_hint(reason));
}

void PartialFile::fail_at_temporary(std::string_view what) const {
  const int reason = errno;
  struct stat info {};
  const bool is_there = ::lstat(temporary_.c_str(), &info) == 0;
  throw Error(ErrorKind::kIo, fmt::format("{}: {}: {}", what, temporary_.string(), system_reason(reason)),
              is_there ? fmt::format("remove what stands there; `ls -ld {}` shows it", temporary_.string())
                       : system_hint(reason));
}

}  // namespace reprise
