#include "append_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise::logs {
namespace {

[[noreturn]] void throw_io(std::string_view what, const std::filesystem::path& path, int error_number) {
  throw Error(ErrorKind::kIo, fmt::format("{}: {}: {}", what, path.string(), system_reason(error_number)),
              system_hint(error_number));
}

}  // namespace

void require_no_link(const std::filesystem::path& path) {
  std::error_code ignored;  // what cannot be looked at cannot be opened either
  REPRISE_REQUIRE(!std::filesystem::is_symlink(path, ignored), ErrorKind::kIo,
                  fmt::format("will not write through a symbolic link: {}", path.string()),
                  "put the file itself there; the folder of a run may be a link");
}

AppendFile::AppendFile(std::filesystem::path path, int fd, std::uint64_t size)
    : path_(std::move(path)), fd_(fd), size_(size) {}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}

AppendFile::~AppendFile() {
  if (fd_ >= 0) ::close(fd_);
}

AppendFile AppendFile::create(const std::filesystem::path& path, std::string_view first_bytes) {
  if (std::filesystem::exists(path)) {
    throw Error(ErrorKind::kIo, fmt::format("the log exists already: {}", path.string()),
                "continue the run with --resume, or choose another folder with --out");
  }
  write_file_atomically(path, first_bytes);
  return open(path, first_bytes.size(), false);
}

AppendFile AppendFile::open(const std::filesystem::path& path, std::uint64_t size, bool create) {
  require_no_link(path);
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0644);
  if (fd < 0) throw_io("cannot open", path, errno);
  struct stat info {};
  AppendFile file(path, fd, 0);
  if (::fstat(fd, &info) != 0) throw_io("cannot stat", path, errno);
  file.size_ = static_cast<std::uint64_t>(info.st_size);
  if (file.size_ > size) file.cut(size);
  return file;
}

void AppendFile::append(std::string_view bytes, const std::function<void()>& half_way) {
  try {
    if (half_way) {
      const std::size_t half = bytes.size() / 2;
      write_all(bytes.substr(0, half));
      half_way();
      write_all(bytes.substr(half));
    } else {
      write_all(bytes);
    }
  } catch (const Error&) {
    // Best effort: a torn tail is legal, and the first error is the one to report.
    (void)!::ftruncate(fd_, static_cast<off_t>(size_));
    throw;
  }
  size_ += bytes.size();
}

void AppendFile::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      throw_io("cannot write", path_, errno);
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void AppendFile::cut(std::uint64_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) throw_io("cannot cut", path_, errno);
  size_ = size;
}

void AppendFile::sync() {
  if (::fsync(fd_) != 0) throw_io("cannot sync", path_, errno);
}

}  // namespace reprise::logs
