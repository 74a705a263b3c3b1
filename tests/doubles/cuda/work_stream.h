#pragma once
// Streams of the GPUs that tests have. Work is done when somebody waits for it and no sooner, as far as the wait
// reaches: a GPU may be that late, so a host or another stream that does not wait finds what was there before.
//
// REPRISE_EMULATION_STREAMS: "late" (the default); "ahead", with what all other streams were given done first, for a
// GPU may also do that; "at_once".

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace reprise::emulation {

using Work = std::function<void()>;

/// Calls may come from any thread; one at a time is done.
class WorkStream : public std::enable_shared_from_this<WorkStream> {
 public:
  static std::shared_ptr<WorkStream> make();
  WorkStream(const WorkStream&) = delete;
  WorkStream& operator=(const WorkStream&) = delete;

  /// Done behind what was given before; while the stream is captured, kept and not done.
  void add(Work work);

  bool capturing() const { return capturing_; }
  void begin_capture() { capturing_ = true; }
  std::vector<Work> end_capture();

  /// A place behind all that was given before.
  struct Mark {
    std::shared_ptr<WorkStream> stream;  // null: nothing
    std::uint64_t count = 0;
  };
  Mark mark();
  /// What is given from here on comes behind a place of another stream.
  void wait_for(Mark mark);

 private:
  WorkStream();
  friend void finish(const Mark& mark);
  friend void finish_all_streams();
  void run_until(std::uint64_t count);

  bool at_once_;
  bool capturing_ = false;
  std::vector<Work> captured_;
  std::deque<Work> waiting_;
  std::uint64_t given_ = 0, done_ = 0;
};

/// What a host does that waits: returns when all before the place is done.
void finish(const WorkStream::Mark& mark);
/// What CUDA does where memory is freed, and what LibTorch's CPU has to find done where it stands for a GPU's.
void finish_all_streams();

}  // namespace reprise::emulation
