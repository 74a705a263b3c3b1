#pragma once
// Hands over the ids of the parts of a text in the order of the text, whatever order the threads finish them in.
// Thread-safe.

#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "reprise/data_pipeline/tokenizer.h"

namespace reprise::data {

class OrderedIds {
 public:
  /// Keeps a reference to `sink`.
  OrderedIds(std::size_t num_parts, const IdSink& sink) : sink_(sink), waiting_(num_parts) {}

  /// An empty buffer for the ids of a part; one that was used before where there is one.
  std::vector<TokenId> take_buffer() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return {};
    std::vector<TokenId> buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
  }

  /// Takes the ids of part `index`. All that are due go to the sink on this thread, unless another one is at it; the
  /// others go on encoding meanwhile. After an exception of the sink nothing more goes there.
  void give(std::size_t index, std::vector<TokenId> ids) {
    std::unique_lock lock(mutex_);
    waiting_[index] = std::move(ids);
    if (busy_) return;
    busy_ = true;
    while (next_ < waiting_.size() && waiting_[next_]) {
      std::vector<TokenId> due = std::move(*waiting_[next_]);
      waiting_[next_].reset();
      lock.unlock();
      sink_(due);
      due.clear();
      lock.lock();
      free_.push_back(std::move(due));
      ++next_;
    }
    busy_ = false;
  }

 private:
  const IdSink& sink_;
  std::mutex mutex_;
  std::vector<std::optional<std::vector<TokenId>>> waiting_;
  std::vector<std::vector<TokenId>> free_;
  std::size_t next_ = 0;  // part that goes to the sink next
  bool busy_ = false;     // a thread is in the sink, or was when it threw
};

}  // namespace reprise::data
