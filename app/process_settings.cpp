#include "process_settings.h"

#include <malloc.h>
#include <signal.h>

#include <clocale>

namespace reprise::app {

void settle_process() {
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, 2047 << 20);
  ::mallopt(M_TOP_PAD, 64 << 20);
  ::signal(SIGPIPE, SIG_IGN);
  // A file-size limit is then an error of write() with a message of ours, as a full disk is.
  ::signal(SIGXFSZ, SIG_IGN);
  std::setlocale(LC_ALL, "C");
}

}  // namespace reprise::app
