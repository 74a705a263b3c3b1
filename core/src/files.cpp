#include "reprise/core/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <new>
#include <system_error>

#include "reprise/core/error.h"
#include "reprise/core/partial_file.h"

namespace reprise {
namespace {

[[noreturn]] void throw_io(std::string_view what, const std::filesystem::path& path, int error_number,
                           FileUse use = FileUse::kWrite) {
  throw Error(ErrorKind::kIo, fmt::format("{}: {}: {}", what, path.string(), system_reason(error_number)),
              system_hint(error_number, use));
}

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

void sync_folder(const std::filesystem::path& folder) {
  const std::filesystem::path place = folder.empty() ? "." : folder;
  Descriptor fd(::open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems refuse to sync a folder (EINVAL); the rename itself has then to be enough.
  if (fd.get() >= 0 && ::fsync(fd.get()) != 0 && errno != EINVAL) throw_io("cannot sync folder", folder, errno);
}

/// Names under which the shell and the user mean what they stand for, as in `... < PIPE` and <(...).
bool is_named_by_the_system(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.parent_path();
  return folder == "/dev" || folder == "/dev/fd" || folder == "/proc/self/fd";
}

[[noreturn]] void throw_no_file(const std::filesystem::path& path) {
  throw Error(ErrorKind::kIo, fmt::format("cannot read: {}: a pipe or a device, and no file", path.string()),
              "put the file itself there; what comes through a pipe is read as /dev/stdin or by <(...)");
}

void reserve(std::string& bytes, std::uint64_t size, const std::filesystem::path& path) {
  try {
    bytes.reserve(size);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kOutOfMemory,
                fmt::format("cannot read: {}: no memory for its {} bytes", path.string(), size),
                "see `ls -ls` of the file: it may be damaged, or not the one that was meant");
  }
}

std::string permission_hint(FileUse use) {
  switch (use) {
    case FileUse::kRead:
      return "it may not be read; see `ls -l` of the file and `ls -ld` of its folders";
    case FileUse::kWrite:
      return "the folder cannot be written; choose another one with --out or change its permissions";
    case FileUse::kUnknown:
      return "see `ls -l` of the file and `ls -ld` of its folders";
  }
  return {};
}

}  // namespace

std::string system_reason(int error_number) { return std::generic_category().message(error_number); }

std::string system_hint(int error_number, FileUse use) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return "free some space or choose another folder with --out";
    case EFBIG:
      return "the file size limit is reached; see `ulimit -f`";
    case EACCES:
    case EPERM:
    case EROFS:
      return permission_hint(use);
    case ENOENT:
      return "check the path; `ls` the folder it should be in";
    case ENOTDIR:
    case EISDIR:
      return "a file stands where a folder is needed, or the other way round";
    case EMFILE:
    case ENFILE:
      return "too many open files; see `ulimit -n`";
    default:
      return "check the path and the file system";
  }
}

std::string read_file(const std::filesystem::path& path) {
  // A pipe in the place of a file waits for a writer that never comes, and some devices never end.
  const bool may_stream = is_named_by_the_system(path);
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | (may_stream ? 0 : O_NONBLOCK)));
  if (fd.get() < 0) throw_io("cannot open", path, errno, FileUse::kRead);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) throw_io("cannot stat", path, errno, FileUse::kRead);
  if (S_ISDIR(info.st_mode)) throw_io("cannot read", path, EISDIR, FileUse::kRead);
  if (!S_ISREG(info.st_mode) && !may_stream) throw_no_file(path);
  std::string bytes;
  reserve(bytes, static_cast<std::uint64_t>(info.st_size), path);
  char buffer[1 << 16];
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0) {
      if (errno == EINTR) continue;
      throw_io("cannot read", path, errno, FileUse::kRead);
    }
    if (got == 0) return bytes;
    bytes.append(buffer, static_cast<std::size_t>(got));
  }
}

void require_no_stream(const std::filesystem::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return;
  if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) throw_no_file(path);
}

std::FILE* open_new_file(const std::filesystem::path& path) {
  ::unlink(path.c_str());  // what cannot be removed is there still, and named by open()
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (descriptor < 0) return nullptr;
  std::FILE* file = ::fdopen(descriptor, "wb");
  if (file == nullptr) ::close(descriptor);
  return file;
}

std::filesystem::path partial_path(const std::filesystem::path& final_path) {
  return final_path.parent_path() / fmt::format(".{}.partial", final_path.filename().string());
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  PartialFile file(path);
  file.write(bytes);
  file.commit();
}

void make_folders(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw_io("cannot create folder", path, error.value());
}

void commit_file(const std::filesystem::path& temporary, const std::filesystem::path& final_path) {
  Descriptor fd(::open(temporary.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) throw_io("cannot open", temporary, errno);
  if (::fsync(fd.get()) != 0) throw_io("cannot sync", temporary, errno);
  if (::rename(temporary.c_str(), final_path.c_str()) != 0) throw_io("cannot rename to", final_path, errno);
  sync_folder(final_path.parent_path());
}

void rename_file(const std::filesystem::path& temporary, const std::filesystem::path& final_path) {
  if (::rename(temporary.c_str(), final_path.c_str()) != 0) throw_io("cannot rename to", final_path, errno);
}

}  // namespace reprise
