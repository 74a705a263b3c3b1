#pragma once
// A fixed set of worker threads. Tasks of one call may finish in any order; nothing computed may depend on it.
// Thread-safety: parallel_for may be called from one thread at a time. An exception of a task is rethrown to the
// caller after the other tasks have stopped; when several throw, the one of the lowest index wins.

#include <cstdint>
#include <functional>
#include <memory>

namespace reprise {

class ThreadPool {
 public:
  /// `num_threads` counts the calling thread: 1 starts no worker. Throws kOutOfMemory when the system starts fewer.
  explicit ThreadPool(int num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const;

  /// Runs task(i) for every i in [0, count); indices are handed out in ascending order.
  void parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& task);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reprise
