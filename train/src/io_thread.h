#pragma once
// A thread that lives as long as its owner and runs one job at a time. The owner looks whether a job has ended, and can
// leave behind one that never ends.

#include <chrono>
#include <functional>
#include <memory>

namespace reprise::train {

class IoThread {
 public:
  IoThread();
  /// Waits for the job at hand, unless abandon() was called.
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  enum class Job { kNone, kRunning, kEnded, kFailed };
  Job job() const;

  /// Starts a job. The one before must have been collected.
  void start(std::function<void()> work);
  /// Waits at most `limit`; true when no job is running any more.
  bool wait_for(std::chrono::milliseconds limit);
  /// Takes the outcome of a job that has ended; rethrows what it threw.
  void collect();
  /// Lets the thread go on alone with a job that does not end. What the job uses must belong to the job. The process
  /// should then end without exit handlers, which would pull libraries from under the thread.
  void abandon();

 private:
  struct State;
  static void run(State& state);

  std::shared_ptr<State> state_;
  bool abandoned_ = false;
};

}  // namespace reprise::train
