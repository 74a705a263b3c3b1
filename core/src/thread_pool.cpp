#include "reprise/core/thread_pool.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "reprise/core/error.h"

namespace reprise {
namespace {

/// Waking a thread takes about this long on a virtual machine, so a thread looks for new work that long before it
/// sleeps.
constexpr std::chrono::microseconds kSpinTime{100};

template <typename Condition>
void spin_until(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + kSpinTime;
  while (!condition() && std::chrono::steady_clock::now() < end) {
  }
}

}  // namespace

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable done;
  std::vector<std::thread> workers;
  const std::function<void(std::int64_t)>* task = nullptr;
  std::int64_t next = 0;
  std::int64_t count = 0;
  // Changed with the lock held; atomic for those that spin without it.
  std::atomic<int> busy = 0;
  std::atomic<std::uint64_t> generation = 0;
  std::atomic<bool> stopping = false;
  bool spin = false;  // there is a core for every thread
  std::exception_ptr failure;
  std::int64_t failure_index = 0;

  /// Takes indices until none is left or one has failed. Called with the lock held.
  void drain(std::unique_lock<std::mutex>& lock) {
    while (next < count && !failure) {
      const std::int64_t index = next++;
      lock.unlock();
      std::exception_ptr caught;
      try {
        (*task)(index);
      } catch (...) {
        caught = std::current_exception();
      }
      lock.lock();
      if (caught && (!failure || index < failure_index)) {
        failure = caught;
        failure_index = index;
      }
    }
  }

  void work() {
    std::uint64_t seen = 0;
    while (true) {
      if (spin) spin_until([&] { return stopping || generation != seen; });
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] { return stopping || generation != seen; });
      if (stopping) return;
      seen = generation;
      ++busy;
      drain(lock);
      if (--busy == 0) done.notify_all();
    }
  }

  void end_workers() {
    {
      std::lock_guard lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    for (std::thread& worker : workers) worker.join();
  }
};

ThreadPool::ThreadPool(int num_threads) : state_(std::make_unique<State>()) {
  REPRISE_REQUIRE(num_threads >= 1, ErrorKind::kUsage,
                  fmt::format("the number of threads must be at least 1, not {}", num_threads),
                  "give --threads a positive number");
  state_->spin = static_cast<unsigned>(num_threads) <= std::thread::hardware_concurrency();
  try {
    for (int i = 1; i < num_threads; ++i) state_->workers.emplace_back([s = state_.get()] { s->work(); });
  } catch (const std::exception& error) {
    state_->end_workers();  // a thread that is destroyed without being joined ends the process
    throw Error(
        ErrorKind::kOutOfMemory,
        fmt::format("cannot start {} threads, only {}: {}", num_threads, state_->workers.size() + 1, error.what()),
        "use fewer threads: --threads, or runtime.num_threads of the config; limits: `ulimit -u`, `ulimit -v`");
  }
}

ThreadPool::~ThreadPool() { state_->end_workers(); }

int ThreadPool::num_threads() const { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& task) {
  if (count <= 0) return;
  std::unique_lock lock(state_->mutex);
  state_->task = &task;
  state_->next = 0;
  state_->count = count;
  state_->failure = nullptr;
  ++state_->generation;
  state_->wake.notify_all();
  state_->drain(lock);
  // A worker that wakes late finds next == count and takes nothing, so only the busy ones are waited for.
  state_->next = count;
  if (state_->spin && state_->busy > 0) {
    lock.unlock();
    spin_until([&] { return state_->busy == 0; });
    lock.lock();
  }
  state_->done.wait(lock, [&] { return state_->busy == 0; });
  if (state_->failure) std::rethrow_exception(state_->failure);
}

}  // namespace reprise
