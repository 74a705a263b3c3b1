#include "emulated_races.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "emulated_cuda.h"
#include "emulated_memory.h"

namespace reprise::emulation {

const Runner* running_thread = nullptr;

namespace {

constexpr std::uint32_t kWarp = 32;
constexpr std::size_t kWord = 4;
constexpr std::uint8_t kAllBytes = 0xf;                    // of a word, a bit each
constexpr std::size_t kArenaBytes = std::size_t{1} << 34;  // of addresses; memory is taken where it is touched

struct Use {
  std::uint32_t block = 0;  // 0: never
  std::uint32_t thread = 0;
  std::uint32_t block_barriers = 0, warp_barriers = 0;
  bool by_several = false;  // threads of the warp
  std::uint8_t bytes = kAllBytes;
};

/// The last uses of a word, and of which of its bytes. The readers are of different warps.
struct Word {
  Use writer, reader, other_reader;
};

void* reserve(std::size_t num_bytes) {
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* const memory = mmap(nullptr, num_bytes, PROT_READ | PROT_WRITE, kFlags, -1, 0);
  if (memory == MAP_FAILED) stop("no addresses for the GPU's memory");
  return memory;
}

/// Addresses with a Word each four bytes. They are handed out once, until all are free again.
struct Arena {
  explicit Arena(std::size_t num_bytes)
      : size(num_bytes),
        begin(static_cast<unsigned char*>(reserve(num_bytes))),
        words(static_cast<Word*>(reserve(num_bytes / kWord * sizeof(Word)))) {}

  Word* words_of(const void* memory) const {
    const auto offset = static_cast<std::size_t>(static_cast<const unsigned char*>(memory) - begin);
    return offset < size ? words + offset / kWord : nullptr;
  }

  std::size_t size;
  unsigned char* begin;
  Word* words;
  std::size_t used = 0, alive = 0;
};

Arena global_arena(kArenaBytes), shared_arena(kWatchedSharedBytes);

bool same_warp(const Use& use, const Runner& now) {
  return use.block == now.block && use.thread / kWarp == now.thread / kWarp;
}

/// Whether nothing orders an earlier use and what the thread does now. Uses by blocks before `first_block` are over.
bool is_unordered(const Use& use, const Runner& now, std::uint32_t first_block) {
  if (use.block < first_block) return false;
  if (use.block != now.block) return true;
  if (use.thread == now.thread && !use.by_several) return false;
  if (use.block_barriers != now.block_barriers) return false;
  return !same_warp(use, now) || use.warp_barriers == now.warp_barriers;
}

[[noreturn]] void report(const char* what, const Use& use) {
  std::fprintf(stderr, "emulated GPU: thread %u of block %u used the same word\n", use.thread, use.block);
  stop(what);
}

Use use_of(const Runner& now, std::uint8_t bytes) {
  return {now.block, now.thread, now.block_barriers, now.warp_barriers, false, bytes};
}

void note_write(Word& word, const Runner& now, std::uint32_t first_block, std::uint8_t bytes) {
  if ((word.writer.bytes & bytes) != 0 && is_unordered(word.writer, now, first_block))
    report("two threads write a word, and no barrier orders them", word.writer);
  for (const Use* const reader : {&word.reader, &word.other_reader}) {
    if ((reader->bytes & bytes) != 0 && is_unordered(*reader, now, first_block))
      report("a word is written that was read without a barrier between", *reader);
  }
  word.writer = use_of(now, bytes);
}

void note_read(Word& word, const Runner& now, std::uint32_t first_block, std::uint8_t bytes) {
  if ((word.writer.bytes & bytes) != 0 && is_unordered(word.writer, now, first_block))
    report("a word is read that was written without a barrier between", word.writer);
  if (word.reader.block == now.block && word.reader.thread == now.thread &&
      word.reader.block_barriers == now.block_barriers && word.reader.warp_barriers == now.warp_barriers) {
    word.reader.bytes |= bytes;
    return;
  }
  Use use = use_of(now, bytes);
  if (!same_warp(word.reader, now)) {
    word.other_reader = word.reader;
  } else if (word.reader.block_barriers == now.block_barriers && word.reader.warp_barriers == now.warp_barriers) {
    use.by_several = true;
    use.bytes |= word.reader.bytes;
  }
  word.reader = use;
}

}  // namespace

void* allocate_watched(std::size_t num_bytes) {
  Arena& arena = global_arena;
  if (arena.alive == 0) arena.used = 0;
  constexpr std::size_t kAlignment = 256;
  void* const memory = arena.begin + arena.used;
  arena.used += (num_bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (arena.used > arena.size) stop("the emulated GPU has no addresses left");
  ++arena.alive;
  return memory;
}

void free_watched(void* memory, std::size_t num_bytes) {
  constexpr std::size_t kPage = 4096;
  const auto first = (reinterpret_cast<std::uintptr_t>(memory) + kPage - 1) / kPage * kPage;
  const auto last = (reinterpret_cast<std::uintptr_t>(memory) + num_bytes) / kPage * kPage;
  Arena& arena = global_arena;
  --arena.alive;
  if (first >= last) return;
  auto* const page = reinterpret_cast<unsigned char*>(first);
  madvise(page, last - first, MADV_DONTNEED);
  madvise(arena.words_of(page), (last - first) / kWord * sizeof(Word), MADV_DONTNEED);
}

unsigned char* watched_shared_memory() { return shared_arena.begin; }

void note_use(const void* memory, std::size_t num_bytes, bool writes) {
  if (running_thread == nullptr) return;
  const Runner& now = *running_thread;
  std::uint32_t first_block = now.block;  // to each block its shared memory is new
  Word* word = shared_arena.words_of(memory);
  if (word == nullptr) {
    word = global_arena.words_of(memory);
    if (word == nullptr) return;  // the thread's own, or a parameter
    if (!global_memory().holds(memory, num_bytes)) stop("a kernel uses memory that is in no allocation");
    first_block = now.first_of_launch;
  }
  const std::size_t first = reinterpret_cast<std::uintptr_t>(memory) % kWord, last = first + num_bytes;
  for (std::size_t begin = 0; begin < last; begin += kWord, ++word) {
    unsigned bytes = kAllBytes;
    if (begin < first) bytes &= kAllBytes << first;
    if (last - begin < kWord) bytes &= kAllBytes >> (begin + kWord - last);
    const auto used = static_cast<std::uint8_t>(bytes);
    writes ? note_write(*word, now, first_block, used) : note_read(*word, now, first_block, used);
  }
}

}  // namespace reprise::emulation

// What code calls that was compiled with -fsanitize=thread, here in the place of that sanitizer's runtime.
#if defined(REPRISE_WATCHES_KERNELS)
#define REPRISE_NOTE(bytes)                                                                                 \
  void __tsan_read##bytes(void* memory) { ::reprise::emulation::note_use(memory, bytes, false); }           \
  void __tsan_write##bytes(void* memory) { ::reprise::emulation::note_use(memory, bytes, true); }           \
  void __tsan_unaligned_read##bytes(void* memory) { ::reprise::emulation::note_use(memory, bytes, false); } \
  void __tsan_unaligned_write##bytes(void* memory) { ::reprise::emulation::note_use(memory, bytes, true); }

extern "C" {
REPRISE_NOTE(1)
REPRISE_NOTE(2)
REPRISE_NOTE(4)
REPRISE_NOTE(8)
REPRISE_NOTE(16)
void __tsan_read_range(void* memory, std::size_t num_bytes) {
  ::reprise::emulation::note_use(memory, num_bytes, false);
}
void __tsan_write_range(void* memory, std::size_t num_bytes) {
  ::reprise::emulation::note_use(memory, num_bytes, true);
}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_init() {}
// Of Clang alone:
void* __tsan_memcpy(void* to, const void* from, std::size_t num_bytes) {
  ::reprise::emulation::note_use(from, num_bytes, false);
  ::reprise::emulation::note_use(to, num_bytes, true);
  return std::memcpy(to, from, num_bytes);
}
void* __tsan_memset(void* to, int value, std::size_t num_bytes) {
  ::reprise::emulation::note_use(to, num_bytes, true);
  return std::memset(to, value, num_bytes);
}
}
#endif
