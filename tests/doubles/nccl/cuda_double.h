#pragma once
// The double's GPU: memory that is host memory with a list of what was given out, and streams that are threads.

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

/// Work in order, one after the other, beside the caller. nccl.h knows the type by this name alone.
struct CUstream_st {
 public:
  CUstream_st();
  ~CUstream_st();

  void add(std::function<void()> task);
  bool idle() const { return pending_ == 0; }
  void wait() const;

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::atomic<int> pending_ = 0;
  bool stop_ = false;
  std::thread thread_;
};

namespace nccl_double {

/// Whether [pointer, pointer + bytes) lies in memory that cudaMalloc gave out.
bool is_device_memory(const void* pointer, std::size_t bytes);

/// The device that this thread uses.
int current_device();

/// The number that an environment variable holds, or `otherwise`.
int number_from_environment(const char* name, int otherwise);

}  // namespace nccl_double
