#include "races.h"

#include <algorithm>
#include <limits>
#include <sstream>

namespace reprise::ptx {
namespace {

constexpr unsigned kAllBytes = 0xf;  // of a word
constexpr std::size_t kMostInstructions = std::size_t{1} << 17;
constexpr std::size_t kKeptPages = 4096;  // of a launch for the next: 128 MiB of uses
constexpr Races::Time kUnderWay = std::numeric_limits<Races::Time>::max();
constexpr Races::Time kLatest = kUnderWay / 2;  // that a launch may begin

}  // namespace

void Races::begin_launch(const Kernel& kernel, std::size_t shared_bytes) {
  if (kernel.code.size() > kMostInstructions) throw Fault(kernel.name + ": too long to look for races in it");
  if (now_ > kLatest) *this = Races();
  if (words_of_pages_.size() > kKeptPages) {
    words_of_pages_.clear();
    recent_pages_ = {};
  }
  kernel_ = &kernel;
  shared_.resize(std::max(shared_.size(), (shared_bytes + 3) / 4));
  blocks_.clear();
  launch_begin_ = ++now_;
}

void Races::begin_block(const Extent& place) {
  block_barrier_ = now_;
  block_begin_ = ++now_;
  blocks_.emplace_back(block_begin_, place);
}

void Races::pass_block_barrier() { block_barrier_ = now_++; }

void Races::pass_warp_barrier(std::uint32_t first_thread, LaneSet lanes) {
  for_each_lane(lanes, [&](int lane) { warp_barriers_[first_thread + static_cast<std::uint32_t>(lane)] = now_; });
  ++now_;
}

Races::Word* Races::page_of(std::uint64_t number) {
  auto& [known, words] = recent_pages_[number % recent_pages_.size()];
  if (words == nullptr || known != number) {
    const std::size_t in_use = words_of_pages_.size();
    Word*& found = words_of_pages_[number];
    if (found == nullptr) {
      if (in_use == pages_.size()) pages_.push_back(std::make_unique<Page>());
      found = pages_[in_use]->data();
    }
    known = number;
    words = found;
  }
  return words;
}

Races::Word* Races::words_at(Space space, std::uint64_t address) {
  if (space == Space::kShared) return shared_.data() + address / 4;
  return page_of(address >> kPageShift) + address / 4 % kWordsOfPage;
}

/// Calls `function` with each word and its bytes. An access is aligned to its size, so it lies in one page.
template <typename Function>
void Races::for_each_word(Space space, std::uint64_t address, int bytes, Function function) {
  Word* word = words_at(space, address);
  if (bytes < 4) {
    function(*word, ((1u << bytes) - 1) << address % 4);
  } else {
    for (int i = 0; i < bytes; i += 4) function(*word++, kAllBytes);
  }
}

template <typename Note>
void Races::for_each_word(const Access& access, Note note) {
  Now now{index_of(access.instruction), 0, 0, access.space, 0};
  for_each_lane(access.lanes, [&](int lane) {
    now.address = access.addresses[static_cast<std::size_t>(lane)];
    now.thread = access.first_thread + static_cast<std::uint32_t>(lane);
    for_each_word(access.space, now.address, access.bytes, [&](Word& word, unsigned bytes) {
      now.bytes = bytes;
      note(word, now);
    });
  });
}

std::uint32_t Races::index_of(const Instruction& instruction) const {
  return static_cast<std::uint32_t>(&instruction - kernel_->code.data());
}

bool Races::is_over(const Use& earlier, Space space) const {
  return earlier.time < (space == Space::kShared ? block_begin_ : launch_begin_);
}

bool Races::is_of_warp(const Use& earlier, const Now& now) const {
  return earlier.time >= block_begin_ && earlier.thread / kLanes == now.thread / kLanes;
}

Races::Time Races::last_barrier(std::uint32_t thread) const { return std::max(block_barrier_, warp_barriers_[thread]); }

/// Whether nothing orders an earlier use and what the thread does now.
bool Races::is_unordered(const Use& earlier, const Now& now) const {
  if (is_over(earlier, now.space)) return false;
  if (earlier.time < block_begin_) return true;
  if (earlier.time <= block_barrier_) return false;
  if (earlier.thread == now.thread && earlier.by_several == 0) return false;
  if (earlier.thread / kLanes != now.thread / kLanes) return true;
  return earlier.time > std::min(warp_barriers_[earlier.thread], warp_barriers_[now.thread]);
}

/// Refuses what a writer and the thread do to the same bytes.
void Races::expect_order(const Use& writer, const Now& now, const char* does) const {
  if ((writer.bytes & now.bytes) == 0) return;
  if (writer.time == kUnderWay) fail(now, does, writer, "copies to", "which was not waited for");
  if (is_unordered(writer, now)) fail(now, does, writer, "wrote", "without a barrier between");
}

/// Most reads: no writer since the last barrier (in global memory: since the launch), and the warp's read is noted.
bool Races::says_nothing_new(const Word& word, const Now& now) const {
  const Time settled = now.space == Space::kShared ? block_barrier_ : launch_begin_ - 1;
  const Use& reader = word.readers[0];
  return word.writers[0].time <= settled && word.writers[1].time <= settled && reader.time > last_barrier(now.thread) &&
         reader.thread / kLanes == now.thread / kLanes && (now.bytes & ~reader.bytes) == 0 &&
         (reader.by_several != 0 || reader.thread == now.thread);
}

void Races::note_read(Word& word, const Now& now) {
  if (says_nothing_new(word, now)) return;
  for (const Use& writer : word.writers) expect_order(writer, now, "reads");
  auto& [recent, other] = word.readers;
  Use use = use_of(now);
  if (!is_of_warp(recent, now)) {
    // Another block's read is worth more than that of a third warp: whatever this block writes there is a race.
    const bool of_other_block = !is_over(other, now.space) && other.time < block_begin_;
    if (!of_other_block || recent.time < block_begin_) std::swap(recent, other);
    if (!is_of_warp(recent, now)) {
      recent = use;
      return;
    }
  }
  if (recent.time > last_barrier(now.thread)) {
    use.bytes |= recent.bytes;
    use.by_several = recent.by_several | (recent.thread != use.thread ? 1u : 0u);
  }
  recent = use;
}

void Races::note_write(Word& word, const Now& now) {
  for (const Use& writer : word.writers) expect_order(writer, now, "writes");
  for (const Use& reader : word.readers) {
    if ((reader.bytes & now.bytes) != 0 && is_unordered(reader, now))
      fail(now, "writes", reader, "read", "without a barrier between");
  }
  auto& [recent, other] = word.writers;
  if ((recent.bytes & ~now.bytes) != 0) other = recent;
  if ((other.bytes & ~now.bytes) == 0) other = Use{};
  recent = use_of(now);
}

void Races::read(const Access& access) {
  for_each_word(access, [&](Word& word, const Now& now) { note_read(word, now); });
}

void Races::write(const Access& access) {
  for_each_word(access, [&](Word& word, const Now& now) { note_write(word, now); });
}

Races::Time Races::begin_copies(const Access& from, const Access& to) {
  read(from);
  for_each_word(to, [&](Word& word, const Now& now) {
    note_write(word, now);
    word.writers[0].time = kUnderWay;
  });
  return now_;
}

void Races::end_copy(const Copy& copy, const Instruction& wait) {
  Now now{index_of(copy.instruction), copy.thread, 0, Space::kGlobal, copy.from};
  for_each_word(Space::kGlobal, copy.from, copy.instruction.bytes, [&](Word& word, unsigned bytes) {
    now.bytes = bytes;
    for (const Use& writer : word.writers) {
      if ((writer.bytes & bytes) == 0 || writer.time < copy.begun) continue;
      if (writer.thread == copy.thread && writer.time == copy.begun) continue;
      now.instruction = index_of(wait);
      fail(now, "copies", writer, "wrote", "while the copy was under way");
    }
    note_read(word, now);
  });
  for_each_word(Space::kShared, copy.to, copy.instruction.bytes, [&](Word& word, unsigned bytes) {
    now.bytes = bytes;
    word.writers[0] = use_of(now);
    word.writers[1] = Use{};
  });
}

std::string Races::name_of(std::uint64_t thread, Time time) const {
  const auto behind = std::upper_bound(blocks_.begin(), blocks_.end(), time,
                                       [](Time value, const auto& block) { return value < block.first; });
  const Extent& block = std::prev(behind)->second;
  std::ostringstream text;
  text << "thread " << thread << " of block (" << block.x << ", " << block.y << ", " << block.z << ')';
  return text.str();
}

void Races::fail(const Now& now, const char* does, const Use& earlier, const char* did, const char* why) const {
  const auto line = [&](std::size_t instruction) { return kernel_->code[instruction].line; };
  const auto statement = [&](std::size_t instruction) { return kernel_->lines[instruction]; };
  std::ostringstream text;
  text << kernel_->name << ", line " << line(now.instruction) << ": a race at 0x" << std::hex << now.address << std::dec
       << " of " << (now.space == Space::kShared ? "shared" : "global") << " memory: " << name_of(now.thread, now_)
       << ' ' << does << " what " << name_of(earlier.thread, static_cast<Time>(earlier.time)) << ' ' << did
       << " in line " << line(earlier.instruction) << " (" << statement(earlier.instruction) << "), " << why << ": "
       << statement(now.instruction);
  throw Fault(text.str());
}

}  // namespace reprise::ptx
