#pragma once
// The part of the CUDA runtime that the kernels' host side needs, free of its headers: implemented by runtime.cpp, and
// by the emulation in tests. All of it throws Error(kDevice, kOutOfMemory) when the runtime refuses.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "reprise/numerics/work_order.h"

namespace reprise::numerics::cuda {

/// Shared memory that a block can have on every GPU that kernels are compiled for; 8.6, 8.9 and 12.0 have no more.
inline constexpr std::size_t kLeastSharedBytes = 99 << 10;

struct DeviceProperties {
  std::string name;      // "NVIDIA H100 80GB HBM3"
  std::string versions;  // "compute capability 9.0, driver 13.0, runtime 13.0"
  int num_multiprocessors = 0;
  std::size_t memory_bytes = 0;
  std::size_t shared_bytes_per_block = 0;  // that a kernel can have, its variables included
};

struct DeviceCount {
  int count = 0;
  std::string problem;  // why there are none, where the runtime says so
};
DeviceCount device_count();
DeviceProperties device_properties(int device);

/// A captured sequence of launches and copies between fixed addresses.
class Graph {
 public:
  virtual ~Graph() = default;
  /// Runs it again on the stream it was captured on.
  virtual void launch() = 0;
};

/// One stream of one GPU. Work is done in the order in which it is given. One thread at a time; it need not be the one
/// that made it, for every call makes the calling thread speak to this GPU.
class Stream {
 public:
  explicit Stream(int device, WorkOrder order = WorkOrder::kOwn);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Makes the calling thread speak to this stream's GPU. Launches must come behind it.
  void use() const;
  void* handle() const { return handle_; }
  int device() const { return device_; }

  /// Not while capturing.
  void* allocate(std::size_t num_bytes);
  void free(void* memory);

  /// Both wait: the host's memory is the caller's again. Not while capturing.
  void write(void* to, const void* from_host, std::size_t num_bytes);
  void read(void* to_host, const void* from, std::size_t num_bytes);
  void copy(void* to, const void* from, std::size_t num_bytes);
  void clear(void* to, std::size_t num_bytes);
  /// Throws what a kernel before it failed with.
  void synchronize();
  /// Returns a function that waits until what was given before is done, for any thread. Not while capturing.
  std::function<void()> mark();

  /// What is given between the two is kept, not done.
  void begin_capture();
  std::unique_ptr<Graph> end_capture();

  /// Host memory that copies from the GPU go through at full speed, and without which they are not asynchronous. Any
  /// thread.
  void* allocate_pinned(std::size_t num_bytes) const;
  void free_pinned(void* memory) const;

 private:
  int device_;
  WorkOrder order_;
  void* handle_ = nullptr;
};

/// Copies to the host that run beside the work of a stream.
class ReadStream {
 public:
  /// `work` must outlive it.
  explicit ReadStream(const Stream& work);
  /// Waits for the copies under way.
  ~ReadStream();
  ReadStream(const ReadStream&) = delete;
  ReadStream& operator=(const ReadStream&) = delete;

  /// Begins a copy behind the work that was given before, into pinned memory; on the thread of the work's stream, not
  /// while it is captured. Returns a function that waits for it, for any thread: it throws what the copy failed with.
  std::function<void()> begin(void* to_host, const void* from, std::size_t num_bytes);

 private:
  const Stream& work_;
  void* handle_ = nullptr;
};

/// Throws unless `code` is cudaSuccess: what a launch returned.
void check_launch(int code, const char* what);

}  // namespace reprise::numerics::cuda
