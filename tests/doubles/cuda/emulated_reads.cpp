#include "emulated_reads.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

#include "emulated_cuda.h"
#include "emulated_memory.h"

namespace reprise::emulation {

struct Read {
  const void* stream;
  std::byte* to;
  const std::byte* from;
  std::size_t num_bytes;
  std::shared_ptr<WorkStream> work;
  std::vector<std::byte> at_begin;  // what the source held when the copy could begin
};

namespace {

constexpr std::byte kPoison{0xff};

struct Reads {
  std::mutex mutex;  // guards what follows
  GlobalMemory pinned;
  std::vector<std::shared_ptr<Read>> under_way;
};

Reads& reads() {
  static auto* const all = new Reads;  // devices may outlive what ends with the program
  return *all;
}

bool holds_gpu(const void* begin, std::size_t num_bytes) {
  const std::lock_guard lock(one_at_a_time());
  return global_memory().holds(begin, num_bytes);
}

bool overlap(const std::byte* a, std::size_t a_bytes, const std::byte* b, std::size_t b_bytes) {
  return a < b + b_bytes && b < a + a_bytes;
}

void copy(Read& read) {
  const std::size_t num_bytes = read.num_bytes;
  if (!std::equal(read.from, read.from + num_bytes, read.at_begin.begin())) {
    stop("memory was written while it was copied to the host");
  }
  if (!std::all_of(read.to, read.to + num_bytes, [](std::byte value) { return value == kPoison; })) {
    stop("the host wrote to memory while something was copied there");
  }
  std::memcpy(read.to, read.from, num_bytes);
}

}  // namespace

void* allocate_pinned(std::size_t num_bytes) {
  void* const memory = std::malloc(num_bytes);
  const std::lock_guard lock(reads().mutex);
  reads().pinned.add(memory, num_bytes);
  return memory;
}

void free_pinned(void* memory) {
  {
    const std::lock_guard lock(reads().mutex);
    reads().pinned.remove(memory);
  }
  std::free(memory);
}

std::shared_ptr<Read> begin_read(const void* stream, void* to_host, const void* from, std::size_t num_bytes,
                                 WorkStream& work) {
  if (!holds_gpu(from, num_bytes)) stop("a copy to the host begins outside the memory of the GPU");
  auto* const to = static_cast<std::byte*>(to_host);
  auto* const begin = static_cast<const std::byte*>(from);
  const auto read = std::make_shared<Read>(Read{stream, to, begin, num_bytes, work.shared_from_this(), {}});
  {
    const std::lock_guard lock(reads().mutex);
    if (!reads().pinned.holds(to_host, num_bytes)) stop("a copy beside the work goes to memory that is not pinned");
    std::fill(to, to + num_bytes, kPoison);
    reads().under_way.push_back(read);
  }
  work.add([read] { read->at_begin.assign(read->from, read->from + read->num_bytes); });
  return read;
}

void finish(Read& read) {
  finish(read.work->mark());
  const std::lock_guard lock(reads().mutex);
  std::vector<std::shared_ptr<Read>>& all = reads().under_way;
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& other) { return other.get() == &read; });
  if (found == all.end()) return;
  copy(read);
  all.erase(found);
}

void finish_reads_of(const void* stream) {
  finish_all_streams();
  const std::lock_guard lock(reads().mutex);
  std::erase_if(reads().under_way, [&](const std::shared_ptr<Read>& read) {
    if (read->stream != stream) return false;
    copy(*read);
    return true;
  });
}

void expect_no_read(const void* begin, std::size_t num_bytes) {
  const std::lock_guard lock(reads().mutex);
  const auto* const first = static_cast<const std::byte*>(begin);
  for (const std::shared_ptr<Read>& read : reads().under_way) {
    if (overlap(read->from, read->num_bytes, first, num_bytes)) stop("memory is freed while it is copied");
  }
}

}  // namespace reprise::emulation
