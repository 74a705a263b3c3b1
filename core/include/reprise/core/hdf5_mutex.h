#pragma once
// The one lock of HDF5 in this process: Debian's parallel build is not thread-safe, shards and checkpoints both use it,
// and ranks can be threads (dist/local_group.h). core itself does not link HDF5.

#include <mutex>

namespace reprise {

/// Held around every use of HDF5; never while waiting for another rank.
std::mutex& hdf5_mutex();

}  // namespace reprise
