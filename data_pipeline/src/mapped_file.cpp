#include "mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise::data {
namespace {

[[noreturn]] void fail(std::string_view what, const std::filesystem::path& path, int reason,
                       FileUse use = FileUse::kWrite) {
  throw Error(ErrorKind::kIo, fmt::format("{}: {}: {}", what, path.string(), system_reason(reason)),
              system_hint(reason, use));
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail("cannot open", path, errno, FileUse::kRead);
  struct ::stat status {};
  if (::fstat(descriptor, &status) != 0) {
    const int reason = errno;
    ::close(descriptor);
    fail("cannot read", path, reason, FileUse::kRead);
  }
  size_ = static_cast<std::size_t>(status.st_size);
  map(path, descriptor, false);
}

MappedFile::MappedFile(const std::filesystem::path& path, std::uint64_t size) : size_(size) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) fail("cannot create", path, errno);
  // Blocks are taken now: a full disk is an error here, and would be a signal later.
  const int status = size == 0 ? 0 : ::posix_fallocate(descriptor, 0, static_cast<::off_t>(size));
  if (status != 0) {
    ::close(descriptor);
    fail("cannot write", path, status);
  }
  map(path, descriptor, true);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

void MappedFile::map(const std::filesystem::path& path, int descriptor, bool writable) {
  if (size_ > 0) {
    void* data = ::mmap(nullptr, size_, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, descriptor, 0);
    const int reason = errno;
    if (data == MAP_FAILED) {
      ::close(descriptor);
      fail("cannot map", path, reason);
    }
    data_ = static_cast<std::byte*>(data);
  }
  ::close(descriptor);
}

}  // namespace reprise::data
