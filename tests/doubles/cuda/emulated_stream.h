#pragma once
// A stream of the emulated GPU.

#include <memory>
#include <utility>

#include "work_stream.h"

namespace reprise::emulation {

/// The GPU that the calling thread speaks to. That of tests is not that of a new thread.
inline thread_local int current_device = 0;

struct Stream {
  explicit Stream(int of_device) : device(of_device), work(WorkStream::make()) {}
  ~Stream() { finish(work->mark()); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  int device;
  std::shared_ptr<WorkStream> work;
};

}  // namespace reprise::emulation
