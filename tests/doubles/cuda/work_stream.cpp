#include "work_stream.h"

#include <cstdlib>
#include <mutex>
#include <string_view>
#include <utility>

namespace reprise::emulation {
namespace {

struct Streams {
  std::recursive_mutex mutex;  // held where work is given or done; work may wait for that of another stream
  std::vector<std::weak_ptr<WorkStream>> all;
};

Streams& streams() {
  static auto* const all = new Streams;  // devices may outlive what ends with the program
  return *all;
}

bool is_asked_for(std::string_view order) {
  const char* const wish = std::getenv("REPRISE_EMULATION_STREAMS");
  return wish != nullptr && wish == order;
}

}  // namespace

WorkStream::WorkStream() : at_once_(is_asked_for("at_once")) {}

std::shared_ptr<WorkStream> WorkStream::make() {
  const std::shared_ptr<WorkStream> stream(new WorkStream);
  const std::lock_guard lock(streams().mutex);
  std::erase_if(streams().all, [](const auto& other) { return other.expired(); });
  streams().all.push_back(stream);
  return stream;
}

void WorkStream::add(Work work) {
  const std::lock_guard lock(streams().mutex);
  if (capturing_) {
    captured_.push_back(std::move(work));
    return;
  }
  waiting_.push_back(std::move(work));
  ++given_;
  if (at_once_) run_until(given_);
}

std::vector<Work> WorkStream::end_capture() {
  capturing_ = false;
  return std::exchange(captured_, {});
}

WorkStream::Mark WorkStream::mark() {
  const std::lock_guard lock(streams().mutex);
  return {shared_from_this(), given_};
}

void WorkStream::wait_for(Mark mark) {
  add([mark = std::move(mark)] {
    if (mark.stream) mark.stream->run_until(mark.count);
  });
}

// A place that another stream's work waits for was marked before that work was given: no two wait for each other.
void WorkStream::run_until(std::uint64_t count) {
  while (done_ < count) {
    const Work work = std::move(waiting_.front());
    waiting_.pop_front();
    work();
    ++done_;
  }
}

void finish(const WorkStream::Mark& mark) {
  if (!mark.stream) return;
  const std::lock_guard lock(streams().mutex);
  if (is_asked_for("ahead")) {
    for (const auto& other : streams().all) {
      const std::shared_ptr<WorkStream> stream = other.lock();
      if (stream && stream != mark.stream) stream->run_until(stream->given_);
    }
  }
  mark.stream->run_until(mark.count);
}

void finish_all_streams() {
  const std::lock_guard lock(streams().mutex);
  for (const auto& other : streams().all) {
    if (const std::shared_ptr<WorkStream> stream = other.lock()) stream->run_until(stream->given_);
  }
}

}  // namespace reprise::emulation
