#include "reprise/core/hdf5_mutex.h"

namespace reprise {

std::mutex& hdf5_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace reprise
