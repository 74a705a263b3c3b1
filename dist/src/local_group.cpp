#include "reprise/dist/local_group.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <thread>

#include "lost_ranks.h"
#include "reprise/core/error.h"
#include "reprise/core/wait_clock.h"

namespace reprise::dist {
namespace {

using ByteSpans = std::span<const std::span<const std::byte>>;

/// What the ranks of a group share: a barrier that can break, and where each rank's outgoing bytes lie.
class Group {
 public:
  explicit Group(int num_ranks)
      : outgoing_(static_cast<std::size_t>(num_ranks)), present_(static_cast<std::size_t>(num_ranks), false) {}

  int size() const { return static_cast<int>(outgoing_.size()); }

  /// Waits until every rank has come here. Throws kDistributed when the group is broken, or breaks it when `patience`
  /// (0: no end) is over.
  void meet(int rank, std::chrono::seconds patience) {
    std::unique_lock lock(mutex_);
    if (!failure_.empty()) throw_failure();
    const std::uint64_t generation = generation_;
    present_[static_cast<std::size_t>(rank)] = true;
    if (++arrived_ == size()) {
      start_next_generation();
      return;
    }
    const auto over = [&] { return generation_ != generation || !failure_.empty(); };
    WaitClock clock;
    while (!changed_.wait_for(lock, std::chrono::milliseconds(100), over)) {
      clock.tick();
      if (clock.exceeds(patience)) break_off(rank, patience);
    }
    if (generation_ == generation) throw_failure();
  }

  /// Ends an exchange: like meet(), but waits for every rank even in a broken group, because the others may still be
  /// copying from this rank's memory. `error` (empty: none) of any rank then makes all throw.
  void meet_after_copy(const std::string& error) {
    std::unique_lock lock(mutex_);
    if (failure_.empty()) failure_ = error;
    const std::uint64_t generation = generation_;
    if (++arrived_ == size()) {
      // Kept apart from failure_: a rank that goes on and leaves must not spoil an exchange that is complete.
      exchange_failed_ = !failure_.empty();
      start_next_generation();
    }
    changed_.wait(lock, [&] { return generation_ != generation; });
    if (exchange_failed_) throw_failure();
  }

  /// Makes every present and future meet() throw; the first reason counts.
  void break_up(const std::string& reason) {
    const std::lock_guard lock(mutex_);
    if (failure_.empty()) failure_ = reason;
    changed_.notify_all();
  }

  std::string failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

  /// The group of the `number`-th duplicates of this one's communicators.
  std::shared_ptr<Group> duplicate(std::size_t number) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Group>& group = duplicates_[number];
    if (!group) group = std::make_shared<Group>(size());
    return group;
  }

  void publish(int rank, ByteSpans send) { outgoing_[static_cast<std::size_t>(rank)] = send; }
  std::span<const std::byte> sent(int from, int to) const {
    return outgoing_[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
  }

 private:
  [[noreturn]] void throw_failure() const {
    throw Error(ErrorKind::kDistributed, failure_, "look at the first error of the other ranks");
  }

  void start_next_generation() {
    arrived_ = 0;
    present_.assign(present_.size(), false);
    ++generation_;
    changed_.notify_all();
  }

  void break_off(int rank, std::chrono::seconds patience) {
    std::vector<int> missing;
    for (int other = 0; other < size(); ++other) {
      if (!present_[static_cast<std::size_t>(other)]) missing.push_back(other);
    }
    failure_ = missing_ranks_message(missing, rank, patience);
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;
  std::uint64_t generation_ = 0;
  std::string failure_;
  bool exchange_failed_ = false;
  std::vector<ByteSpans> outgoing_;  // written by its rank before a meet(), read by others between two
  std::vector<bool> present_;        // who has come to the meeting at hand
  std::map<std::size_t, std::shared_ptr<Group>> duplicates_;
};

class GroupCommunicator : public Communicator {
 public:
  GroupCommunicator(std::shared_ptr<Group> group, int rank) : group_(std::move(group)), rank_(rank) {}
  ~GroupCommunicator() override { group_->break_up(fmt::format("rank {} has left the group", rank_)); }

  int rank() const override { return rank_; }
  int size() const override { return group_->size(); }
  std::string_view backend() const override { return "local"; }

  void all_to_all(std::span<const std::span<const std::byte>> send,
                  std::span<const std::span<std::byte>> receive) override {
    REPRISE_CHECK_EQ(send.size(), static_cast<std::size_t>(size()));
    REPRISE_CHECK_EQ(receive.size(), static_cast<std::size_t>(size()));
    group_->publish(rank_, send);
    group_->meet(rank_, patience());
    std::string error;
    for (int from = 0; from < size(); ++from) copy(from, receive[static_cast<std::size_t>(from)], error);
    group_->meet_after_copy(error);
    for (int to = 0; to < size(); ++to) {
      if (to != rank_) bytes_sent_ += send[static_cast<std::size_t>(to)].size();
    }
  }

  void all_gather(std::span<const std::byte> mine, std::span<const std::span<std::byte>> receive) override {
    const std::vector<std::span<const std::byte>> send(static_cast<std::size_t>(size()), mine);
    all_to_all(send, receive);
  }

  void broadcast(std::span<std::byte> bytes, int root) override {
    REPRISE_CHECK(root >= 0 && root < size());
    std::vector<std::span<const std::byte>> send(static_cast<std::size_t>(size()));
    std::vector<std::span<std::byte>> receive(static_cast<std::size_t>(size()));
    if (rank_ == root) {
      for (int to = 0; to < size(); ++to) {
        if (to != root) send[static_cast<std::size_t>(to)] = bytes;
      }
    } else {
      receive[static_cast<std::size_t>(root)] = bytes;
    }
    all_to_all(send, receive);
  }

  void barrier() override { group_->meet(rank_, patience()); }

  std::unique_ptr<Communicator> duplicate() override {
    auto copy = std::make_unique<GroupCommunicator>(group_->duplicate(duplicates_made_++), rank_);
    copy->set_patience(patience());
    return copy;
  }

  std::string lost_rank() const override { return group_->failure(); }

  [[noreturn]] void abort(int exit_code, std::string_view reason) override {
    const std::string message = fmt::format("rank {} ended the run with exit code {}: {}", rank_, exit_code, reason);
    group_->break_up(message);
    throw Error(ErrorKind::kDistributed, message);
  }

  std::uint64_t bytes_sent() const override { return bytes_sent_; }

 private:
  void copy(int from, std::span<std::byte> to, std::string& error) {
    const std::span<const std::byte> bytes = group_->sent(from, rank_);
    if (bytes.size() != to.size()) {
      error = fmt::format("message sizes do not match: rank {} sends {} bytes, rank {} expects {}", from, bytes.size(),
                          rank_, to.size());
    } else if (!bytes.empty()) {
      std::memcpy(to.data(), bytes.data(), bytes.size());
    }
  }

  std::shared_ptr<Group> group_;
  int rank_;
  std::uint64_t bytes_sent_ = 0;
  std::size_t duplicates_made_ = 0;
};

}  // namespace

std::vector<std::unique_ptr<Communicator>> make_local_group(int num_ranks) {
  REPRISE_CHECK(num_ranks >= 1);
  auto group = std::make_shared<Group>(num_ranks);
  std::vector<std::unique_ptr<Communicator>> communicators;
  for (int rank = 0; rank < num_ranks; ++rank) {
    communicators.push_back(std::make_unique<GroupCommunicator>(group, rank));
  }
  return communicators;
}

void run_local_group(int num_ranks, const std::function<void(Communicator&)>& body) {
  std::vector<std::unique_ptr<Communicator>> communicators = make_local_group(num_ranks);
  std::mutex mutex;
  std::exception_ptr first;
  std::vector<std::thread> threads;
  const auto work = [&](std::unique_ptr<Communicator> mine) {
    try {
      body(*mine);
    } catch (...) {
      // Recorded before `mine` is destroyed, which is what makes the other ranks fail.
      const std::lock_guard lock(mutex);
      if (!first) first = std::current_exception();
    }
  };
  const auto join_all = [&] {
    for (std::thread& thread : threads) thread.join();
  };
  try {
    for (std::unique_ptr<Communicator>& communicator : communicators) {
      threads.emplace_back(work, std::move(communicator));
    }
  } catch (const std::exception& error) {
    communicators.clear();  // so that the ranks which were started do not wait for the others
    join_all();             // a thread that is destroyed without being joined ends the process
    throw Error(ErrorKind::kOutOfMemory,
                fmt::format("cannot start {} ranks as threads, only {}: {}", num_ranks, threads.size(), error.what()),
                "use fewer ranks; limits: `ulimit -u`, `ulimit -v`");
  }
  join_all();
  if (first) std::rethrow_exception(first);
}

}  // namespace reprise::dist
