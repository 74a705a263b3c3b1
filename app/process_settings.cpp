#include "process_settings.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <clocale>

namespace reprise::app {
namespace {

/// Takes the numbers of standard files that are closed, so that no file of a run gets one and with it what is printed
/// there. Reading the input and writing the output still fail.
void fill_standard_files() {
  constexpr int kModes[] = {O_WRONLY, O_RDONLY, O_RDWR};
  for (int number = 0; number < 3; ++number) {
    // The lowest free number is taken: this one.
    if (::fcntl(number, F_GETFD) < 0) static_cast<void>(::open("/dev/null", kModes[number]));
  }
}

}  // namespace

void settle_process() {
  fill_standard_files();
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, 2047 << 20);
  ::mallopt(M_TOP_PAD, 64 << 20);
  ::signal(SIGPIPE, SIG_IGN);
  // A file-size limit is then an error of write() with a message of ours, as a full disk is.
  ::signal(SIGXFSZ, SIG_IGN);
  std::setlocale(LC_ALL, "C");
}

}  // namespace reprise::app
