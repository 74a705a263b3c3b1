// A library to be loaded before the C library (LD_PRELOAD), which makes calls on some files fail as a bad disk does:
//   REPRISE_IO_FAULT="PART:CALL:COUNT:ERROR"
// PART of the path; CALL: write, sync, rename or reserve; from the COUNT-th such call on, each fails with ERROR:
// ENOSPC, EDQUOT, EIO, EROFS, or short: one call writes half of what it should, the later ones fail with ENOSPC.

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

struct Plan {
  std::string part, call, error;
  long count = 0;
  std::atomic<long> seen{0};

  Plan() {
    const char* text = std::getenv("REPRISE_IO_FAULT");
    if (text == nullptr) return;
    std::string rest(text);
    for (std::string* field : {&part, &call}) {
      const std::size_t colon = rest.find(':');
      *field = rest.substr(0, colon);
      rest.erase(0, colon + 1);
    }
    count = std::strtol(rest.c_str(), nullptr, 10);
    error = rest.substr(rest.find(':') + 1);
  }
  int number() const {
    if (error == "EDQUOT") return EDQUOT;
    if (error == "EIO") return EIO;
    if (error == "EROFS") return EROFS;
    return ENOSPC;
  }
};

Plan& plan() {
  static Plan the_plan;
  return the_plan;
}

enum class Verdict { kPass, kShort, kFail };

Verdict verdict(const char* call, const char* path) {
  Plan& p = plan();
  if (p.part.empty() || p.call != call || std::strstr(path, p.part.c_str()) == nullptr) return Verdict::kPass;
  const long number = ++p.seen;
  if (number < p.count) return Verdict::kPass;
  return p.error == "short" && number == p.count ? Verdict::kShort : Verdict::kFail;
}

Verdict verdict(const char* call, int fd) {
  if (plan().part.empty()) return Verdict::kPass;
  char path[4096] = {};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  if (::readlink(link.c_str(), path, sizeof path - 1) < 0) return Verdict::kPass;
  return verdict(call, path);
}

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

long fail() {
  errno = plan().number();
  return -1;
}

}  // namespace

#define REPRISE_WRITE(verdict_, size_, call_) \
  switch (verdict_) {                         \
    case Verdict::kFail:                      \
      return fail();                          \
    case Verdict::kShort:                     \
      (size_) = (size_) / 2;                  \
      [[fallthrough]];                        \
    case Verdict::kPass:                      \
      return call_;                           \
  }                                           \
  return -1

extern "C" {

ssize_t write(int fd, const void* bytes, size_t size) {
  static auto* const next = real<ssize_t(int, const void*, size_t)>("write");
  REPRISE_WRITE(verdict("write", fd), size, next(fd, bytes, size));
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  static auto* const next = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  REPRISE_WRITE(verdict("write", fd), size, next(fd, bytes, size, at));
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off_t at) {
  static auto* const next = real<ssize_t(int, const void*, size_t, off_t)>("pwrite64");
  REPRISE_WRITE(verdict("write", fd), size, next(fd, bytes, size, at));
}
ssize_t writev(int fd, const iovec* parts, int count) {
  static auto* const next = real<ssize_t(int, const iovec*, int)>("writev");
  return verdict("write", fd) == Verdict::kPass ? next(fd, parts, count) : fail();
}
ssize_t pwritev(int fd, const iovec* parts, int count, off_t at) {
  static auto* const next = real<ssize_t(int, const iovec*, int, off_t)>("pwritev");
  return verdict("write", fd) == Verdict::kPass ? next(fd, parts, count, at) : fail();
}
ssize_t pwritev64(int fd, const iovec* parts, int count, off_t at) {
  static auto* const next = real<ssize_t(int, const iovec*, int, off_t)>("pwritev64");
  return verdict("write", fd) == Verdict::kPass ? next(fd, parts, count, at) : fail();
}
int fsync(int fd) {
  static auto* const next = real<int(int)>("fsync");
  return verdict("sync", fd) == Verdict::kPass ? next(fd) : static_cast<int>(fail());
}
int rename(const char* from, const char* to) {
  static auto* const next = real<int(const char*, const char*)>("rename");
  return verdict("rename", to) == Verdict::kPass ? next(from, to) : static_cast<int>(fail());
}
int posix_fallocate(int fd, off_t at, off_t size) {
  static auto* const next = real<int(int, off_t, off_t)>("posix_fallocate");
  return verdict("reserve", fd) == Verdict::kPass ? next(fd, at, size) : plan().number();
}

}  // extern "C"
