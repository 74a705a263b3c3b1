#include "reprise/core/partial_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "descriptor_lock.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise {

PartialFile::PartialFile(std::filesystem::path path, std::chrono::milliseconds patience)
    : path_(std::move(path)), temporary_(partial_path(path_)) {
  while (true) {
    // Not O_TRUNC: until the lock is had, the content is somebody else's. Nor what a link in a foreign folder leads to.
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (descriptor_ < 0) fail("cannot create");
    const bool locked = wait_for_lock(descriptor_, patience);
    if (locked && is_named(descriptor_, temporary_)) break;
    ::close(descriptor_);
    if (locked) continue;  // its last writer has given it its name, or removed it
    throw Error(ErrorKind::kIo, fmt::format("another process is writing {}", path_.string()),
                fmt::format("wait for it to end, or stop it; `fuser -v {}` names it", temporary_.string()));
  }
  // What is no regular file has nothing to cut (EINVAL).
  if (::ftruncate(descriptor_, 0) == 0 || errno == EINVAL) return;
  const int reason = errno;
  ::close(descriptor_);
  errno = reason;
  fail("cannot cut");
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

}  // namespace reprise
