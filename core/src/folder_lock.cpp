#include "reprise/core/folder_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise {

FolderLock::FolderLock(const std::filesystem::path& folder, std::chrono::milliseconds patience) {
  descriptor_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  REPRISE_REQUIRE(descriptor_ >= 0, ErrorKind::kIo,
                  fmt::format("cannot open {}: {}", folder.string(), system_reason(errno)), system_hint(errno));
  const auto end = std::chrono::steady_clock::now() + patience;
  while (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    if (reason == EINTR) continue;
    // A file system without locks keeps nobody out; that is no reason not to work there.
    if (reason != EWOULDBLOCK) return;
    if (std::chrono::steady_clock::now() >= end) {
      ::close(descriptor_);
      throw Error(ErrorKind::kIo, fmt::format("{} is in use by another process", folder.string()),
                  "wait for it to end, or stop it; `fuser -v FOLDER` names it");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

bool FolderLock::holds(const std::filesystem::path& folder) const {
  struct stat held {
  }, named{};
  return ::fstat(descriptor_, &held) == 0 && ::stat(folder.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

FolderLock::~FolderLock() { ::close(descriptor_); }

}  // namespace reprise
