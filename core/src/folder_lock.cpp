#include "reprise/core/folder_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "descriptor_lock.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise {

FolderLock::FolderLock(const std::filesystem::path& folder, std::chrono::milliseconds patience) {
  descriptor_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  REPRISE_REQUIRE(descriptor_ >= 0, ErrorKind::kIo,
                  fmt::format("cannot open {}: {}", folder.string(), system_reason(errno)), system_hint(errno));
  if (wait_for_lock(descriptor_, patience)) return;
  ::close(descriptor_);
  throw Error(ErrorKind::kIo, fmt::format("{} is in use by another process", folder.string()),
              "wait for it to end, or stop it; `fuser -v FOLDER` names it");
}

bool FolderLock::holds(const std::filesystem::path& folder) const { return is_named(descriptor_, folder); }

FolderLock::~FolderLock() { ::close(descriptor_); }

}  // namespace reprise
