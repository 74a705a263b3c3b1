#pragma once
// Who used each byte of the memory that kernels see, and whether anything orders the uses: of two threads that use a
// byte, one of them writing it, one must come through a barrier that the other came through before. Lanes go together
// here and blocks one after another, so such a race need not change a value.
//
// What orders: bar.sync the threads of a block, bar.warp.sync the lanes that execute it ("guarantees memory ordering
// among participating threads", PTX ISA, bar.warp.sync), a launch all that follows it. Nothing else: shuffles wait for
// lanes, but "do not imply a memory barrier" (CUDA C++ Programming Guide, Warp Shuffle Functions), and a branch, or one
// instruction of several lanes, orders nothing. So two lanes that store to one byte in one instruction are a race, of
// equal values too: which of them comes last is undefined (there, SIMT Architecture), and the ISA's memory model
// excepts no values.
//
// An asynchronous copy reads and writes at any time from its issue to the end of its thread's wait: none may use its
// destination in between or write its source, and what it wrote, its thread wrote when it had waited.
//
// Not found: what older uses of a word would show than the last writes of different bytes, two of them, and the last
// reads of two warps; disorder of lanes where bar.warp.sync names some lanes of a warp, then others; what a thread
// itself writes to the source of its copy before the next barrier; races between launches.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lane_set.h"
#include "machine.h"
#include "module.h"

namespace reprise::ptx {

class Races {
 public:
  /// Counts barriers, over all launches: what is noted of earlier blocks and launches need not be cleared.
  using Time = std::uint32_t;

  void begin_launch(const Kernel& kernel, std::size_t shared_bytes);
  void begin_block(const Extent& place);
  void pass_block_barrier();
  void pass_warp_barrier(std::uint32_t first_thread, LaneSet lanes);

  /// What some lanes of a warp do to `bytes` each. Addresses of shared memory count from its begin.
  struct Access {
    const Instruction& instruction;
    Space space;
    int bytes;
    std::uint32_t first_thread;  // of the warp
    LaneSet lanes;
    const Addresses& addresses;
  };
  /// These throw Fault where it is a race.
  void read(const Access& access);
  void write(const Access& access);
  /// Returns what end_copy wants to know.
  Time begin_copies(const Access& from, const Access& to);
  struct Copy {
    const Instruction& instruction;
    std::uint32_t thread;
    std::uint64_t from, to;
    Time begun;
  };
  void end_copy(const Copy& copy, const Instruction& wait);

 private:
  struct Use {
    std::uint64_t time : 32;  // all ones: a copy that is under way
    std::uint64_t instruction : 17;
    std::uint64_t thread : 10;
    std::uint64_t bytes : 4;       // of the word, a bit each
    std::uint64_t by_several : 1;  // lanes of the reader's warp, since their last barrier
  };
  struct alignas(32) Word {
    Use writers[2], readers[2];  // the later one first; readers are of different warps
  };
  /// What a thread does now to a word, or to some of its bytes.
  struct Now {
    std::uint32_t instruction, thread, bytes;
    Space space;
    std::uint64_t address;
  };
  static constexpr int kPageShift = 12;
  static constexpr std::uint64_t kWordsOfPage = (std::uint64_t{1} << kPageShift) / 4;
  using Page = std::array<Word, kWordsOfPage>;

  Word* words_at(Space space, std::uint64_t address);
  Word* page_of(std::uint64_t number);
  template <typename Function>
  void for_each_word(Space space, std::uint64_t address, int bytes, Function function);
  template <typename Note>
  void for_each_word(const Access& access, Note note);
  std::uint32_t index_of(const Instruction& instruction) const;
  Use use_of(const Now& now) const { return {now_, now.instruction, now.thread, now.bytes, 0}; }

  bool is_over(const Use& earlier, Space space) const;
  bool is_of_warp(const Use& earlier, const Now& now) const;
  bool is_unordered(const Use& earlier, const Now& now) const;
  Time last_barrier(std::uint32_t thread) const;
  bool says_nothing_new(const Word& word, const Now& now) const;
  void expect_order(const Use& writer, const Now& now, const char* does) const;
  void note_read(Word& word, const Now& now);
  void note_write(Word& word, const Now& now);
  [[noreturn]] void fail(const Now& now, const char* does, const Use& earlier, const char* did, const char* why) const;
  std::string name_of(std::uint64_t thread, Time time) const;

  const Kernel* kernel_ = nullptr;
  Time now_ = 1;
  Time launch_begin_ = 1, block_begin_ = 1;
  Time block_barrier_ = 0;                       // the time before the last
  std::array<Time, 1024> warp_barriers_{};       // ... of each thread
  std::vector<std::pair<Time, Extent>> blocks_;  // of this launch
  std::vector<Word> shared_;
  std::vector<std::unique_ptr<Page>> pages_;  // the first ones are in use; what others hold is over
  std::unordered_map<std::uint64_t, Word*> words_of_pages_;
  std::array<std::pair<std::uint64_t, Word*>, 256> recent_pages_{};
};

}  // namespace reprise::ptx
