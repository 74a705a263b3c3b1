#include "io_thread.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "reprise/core/error.h"

namespace reprise::train {

struct IoThread::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::function<void()> work;
  Job job = Job::kNone;
  bool leave = false;
  bool has_left = false;
  std::exception_ptr failure;
};

IoThread::IoThread() : state_(std::make_shared<State>()) {
  // The thread holds the state too, so that it outlives an owner that has abandoned it.
  std::thread([state = state_] { run(*state); }).detach();
}

IoThread::~IoThread() {
  std::unique_lock lock(state_->mutex);
  state_->leave = true;
  state_->changed.notify_all();
  if (!abandoned_) state_->changed.wait(lock, [&] { return state_->has_left; });
}

void IoThread::run(State& state) {
  std::unique_lock lock(state.mutex);
  while (true) {
    state.changed.wait(lock, [&] { return state.leave || state.work != nullptr; });
    if (state.work == nullptr) break;
    std::function<void()> work = std::move(state.work);
    state.work = nullptr;
    std::exception_ptr failure;
    lock.unlock();
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
    work = nullptr;  // what the job owns goes before anyone hears of its end
    lock.lock();
    state.failure = failure;
    state.job = failure ? Job::kFailed : Job::kEnded;
    state.changed.notify_all();
  }
  state.has_left = true;
  state.changed.notify_all();
}

IoThread::Job IoThread::job() const {
  const std::lock_guard lock(state_->mutex);
  return state_->job;
}

void IoThread::start(std::function<void()> work) {
  const std::lock_guard lock(state_->mutex);
  REPRISE_CHECK(state_->job == Job::kNone);
  state_->work = std::move(work);
  state_->job = Job::kRunning;
  state_->changed.notify_all();
}

bool IoThread::wait_for(std::chrono::milliseconds limit) {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, limit, [&] { return state_->job != Job::kRunning; });
}

void IoThread::collect() {
  std::exception_ptr failure;
  {
    const std::lock_guard lock(state_->mutex);
    REPRISE_CHECK(state_->job == Job::kEnded || state_->job == Job::kFailed);
    state_->job = Job::kNone;
    failure = std::move(state_->failure);
    state_->failure = nullptr;
  }
  if (failure) std::rethrow_exception(failure);
}

void IoThread::abandon() { abandoned_ = true; }

}  // namespace reprise::train
