// Runs the threads of a block as fibers of one host thread.
#include "emulated_cuda.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "emulated_device.h"
#include "emulated_memory.h"
#include "emulated_races.h"
#include "emulated_stream.h"

namespace reprise::emulation {
namespace {

constexpr std::size_t kStackBytes = 128 << 10;
constexpr unsigned kWarp = 32;
constexpr std::size_t kGuardBytes = 256;
constexpr std::size_t kSharedAlignment = 16;
constexpr std::size_t kSharedWithoutAsking = 48 << 10;  // variables included
constexpr unsigned char kPoison = 0xff;                 // floats of it are NaNs

enum class State { kReady, kAtBlockBarrier, kAtWarpBarrier, kAtShuffle, kDone };

struct Copy {
  void* to;
  const void* from;
  std::size_t num_bytes;
};

struct Fiber {
  void* stack = nullptr;
  jmp_buf context;
  State state = State::kReady;
  bool started = false;
  bool odd = false;  // the number of its warp exchanges
  dim3 thread;
  Runner runner;
  std::vector<Copy> uncommitted;
  std::deque<std::vector<Copy>> groups;
};

class Block {
 public:
  Place place;
  unsigned current = 0;
  unsigned num_threads = 0;
  std::vector<Fiber> fibers;                            // as many as the largest block so far had threads
  std::array<std::vector<std::uint64_t>, 2> published;  // by threads to their warps; even and odd exchanges in turn
  struct Variable {
    void* memory = nullptr;
    std::size_t num_bytes = 0;
  };
  std::span<unsigned char> dynamic;  // with guard bytes behind it
  std::map<std::pair<std::string, int>, Variable> variables;
  std::size_t shared_used = 0;                     // of the memory that is watched
  std::size_t shared_asked = 0, shared_limit = 0;  // by the block, of its GPU
  bool launch_asks = false;                        // for what is beyond kSharedWithoutAsking
  bool watches = true;                             // what threads use
  std::uint32_t number = 0, first_of_launch = 0;   // of blocks
  jmp_buf scheduler;
  const std::function<void()>* kernel = nullptr;

  Fiber& running() { return fibers[current]; }
  void prepare(dim3 grid, dim3 block, DynamicShared shared, std::size_t shared_limit);
  /// Stops the program when the block has more than the GPU lets it have.
  void ask_for_shared(std::size_t num_bytes);
  void run(const std::function<void()>& with);
  /// Whether all of the bytes lie in the dynamic shared memory, or in one shared variable.
  bool shares(const void* begin, std::size_t num_bytes) const;

 private:
  void resume(unsigned index);
  bool release();
  bool release_warps();
};

std::size_t rounded(std::size_t shared_bytes) {
  return (shared_bytes + kSharedAlignment - 1) / kSharedAlignment * kSharedAlignment;
}

Block* const only_block = new Block;
Block& block() { return *only_block; }

void yield(State state) {
  Block& in = block();
  in.running().state = state;
  if (_setjmp(in.running().context) == 0) _longjmp(in.scheduler, 1);
}

std::string name_of_order() {
  const char* const wish = std::getenv("REPRISE_EMULATION_ORDER");
  return wish == nullptr ? "forward" : wish;
}

/// Runs a thread of one block after another. Jumps need no signal mask, so a fiber that has its stack switches without
/// a system call.
void enter_fiber() {
  for (;;) {
    (*block().kernel)();
    yield(State::kDone);
  }
}

std::vector<unsigned> order_of_threads(unsigned count, const std::string& name) {
  std::vector<unsigned> order(count);
  std::iota(order.begin(), order.end(), 0u);
  if (name == "backward") {
    std::reverse(order.begin(), order.end());
  } else if (name != "forward") {
    std::shuffle(order.begin(), order.end(), std::mt19937(static_cast<unsigned>(std::atoi(name.c_str()))));
  }
  return order;
}

void Block::ask_for_shared(std::size_t num_bytes) {
  shared_asked += rounded(num_bytes);
  if (shared_asked > shared_limit) stop("a block asks for more shared memory than the GPU has for one");
  if (!launch_asks && shared_asked > kSharedWithoutAsking) stop("a block has more shared memory than was asked for");
}

void Block::prepare(dim3 grid, dim3 size, DynamicShared shared, std::size_t limit) {
  const std::size_t count = std::size_t{size.x} * size.y * size.z;
  if (count == 0 || count > 1024) stop("a block has no thread or more than 1024");
  if (grid.x > 0x7fffffffu || grid.y > 0xffffu || grid.z > 0xffffu) stop("a grid has too many blocks");
  while (fibers.size() < count) {
    Fiber fiber;
    fiber.stack = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fiber.stack == MAP_FAILED) stop("no memory for a stack");
    fibers.push_back(std::move(fiber));
  }
  num_threads = static_cast<unsigned>(count);
  for (std::vector<std::uint64_t>& values : published) values.assign(count, 0);
  place.block_size = size;
  place.grid_size = grid;
  dynamic = {watched_shared_memory(), shared.num_bytes + kGuardBytes};
  launch_asks = shared.asks;
  shared_limit = limit;
  first_of_launch = number + 1;
}

void Block::resume(unsigned index) {
  current = index;
  Fiber& fiber = fibers[index];
  place.thread = fiber.thread;
  running_thread = watches ? &fiber.runner : nullptr;
  if (_setjmp(scheduler) != 0) return;
  if (fiber.started) _longjmp(fiber.context, 1);
  fiber.started = true;
  static ucontext_t here, there;  // not kept across switches
  getcontext(&there);
  there.uc_stack.ss_sp = fiber.stack;
  there.uc_stack.ss_size = kStackBytes;
  there.uc_link = nullptr;
  makecontext(&there, enter_fiber, 0);
  swapcontext(&here, &there);
}

bool Block::release_warps() {
  bool any = false;
  // A warp of which others may still come waits on, and so does one whose threads wait at different things.
  for (unsigned first = 0; first + kWarp <= num_threads; first += kWarp) {
    const State state = fibers[first].state;
    const auto warp = std::span(fibers).subspan(first, kWarp);
    const bool complete = (state == State::kAtWarpBarrier || state == State::kAtShuffle) &&
                          std::all_of(warp.begin(), warp.end(), [&](const Fiber& one) { return one.state == state; });
    if (!complete) continue;
    for (Fiber& one : warp) one.state = State::kReady;
    any = true;
  }
  return any;
}

/// Lets threads go on whose barrier is complete.
bool Block::release() {
  unsigned waiting = 0;
  for (unsigned i = 0; i < num_threads; ++i) waiting += fibers[i].state == State::kAtBlockBarrier ? 1u : 0u;
  if (waiting == num_threads) {
    for (unsigned i = 0; i < num_threads; ++i) fibers[i].state = State::kReady;
    return true;
  }
  return release_warps();
}

void Block::run(const std::function<void()>& with) {
  kernel = &with;
  const std::string order_name = name_of_order();
  const std::vector<unsigned> order = order_of_threads(num_threads, order_name);
  watches = order_name == "forward";  // races are found in any order, and it takes time
  shared_asked = 0;
  ask_for_shared(dynamic.size() - kGuardBytes);
  std::fill(dynamic.begin(), dynamic.end(), kPoison);
  variables.clear();
  shared_used = rounded(dynamic.size());
  ++number;
  for (unsigned i = 0; i < num_threads; ++i) {
    Fiber& fiber = fibers[i];
    fiber.state = State::kReady;
    fiber.odd = false;
    fiber.thread = dim3(i % place.block_size.x, i / place.block_size.x % place.block_size.y,
                        i / place.block_size.x / place.block_size.y);
    fiber.runner = {number, first_of_launch, i, 0, 0};
    fiber.uncommitted.clear();
    fiber.groups.clear();
  }
  for (;;) {
    for (const unsigned i : order) {
      if (fibers[i].state == State::kReady) resume(i);
    }
    const auto done = [&](unsigned i) { return fibers[i].state == State::kDone; };
    if (std::all_of(order.begin(), order.end(), done)) break;
    if (!release()) stop("threads wait at a barrier that others of the block, or of the warp, do not reach");
  }
  running_thread = nullptr;
  for (std::size_t i = dynamic.size() - kGuardBytes; i < dynamic.size(); ++i) {
    if (dynamic[i] != kPoison) stop("a kernel wrote behind its dynamic shared memory");
  }
}

bool Block::shares(const void* begin, std::size_t num_bytes) const {
  const auto first = reinterpret_cast<std::uintptr_t>(begin);
  const auto lies_in = [&](const void* memory, std::size_t size) {
    const auto start = reinterpret_cast<std::uintptr_t>(memory);
    return first >= start && first + num_bytes <= start + size;
  };
  if (lies_in(emulation::dynamic_shared(), dynamic.size() - kGuardBytes)) return true;
  return std::any_of(variables.begin(), variables.end(),
                     [&](const auto& entry) { return lies_in(entry.second.memory, entry.second.num_bytes); });
}

void run_grid(int device, dim3 grid, dim3 size, DynamicShared shared, const std::function<void()>& kernel) {
  const std::lock_guard lock(one_at_a_time());
  Block& in = block();
  in.prepare(grid, size, shared, shared_bytes_of(device));
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        in.place.block = dim3(x, y, z);
        in.run(kernel);
      }
    }
  }
}

}  // namespace

void stop(const char* problem) {
  const Place& at = block().place;
  std::fprintf(stderr, "emulated GPU: %s (block %u %u %u, thread %u %u %u)\n", problem, at.block.x, at.block.y,
               at.block.z, at.thread.x, at.thread.y, at.thread.z);
  std::abort();
}

const Place& place() { return block().place; }
unsigned lane() { return block().current % kWarp; }

// A fiber that goes on has its place put back by resume().
void wait_for_block() {
  yield(State::kAtBlockBarrier);
  ++block().running().runner.block_barriers;
}
void wait_for_warp() {
  yield(State::kAtWarpBarrier);
  ++block().running().runner.warp_barriers;
}

std::uint64_t exchange(std::uint64_t mine, unsigned lane_of_other) {
  Block& in = block();
  const unsigned self = in.current;
  Fiber& fiber = in.running();
  fiber.odd = !fiber.odd;  // other lanes may still read the values of the exchange before
  std::vector<std::uint64_t>& values = in.published[fiber.odd ? 1 : 0];
  values[self] = mine;
  yield(State::kAtShuffle);  // which orders no other memory
  return values[self / kWarp * kWarp + lane_of_other];
}

void* shared_variable(const char* file, int line, std::size_t num_bytes) {
  Block& in = block();
  auto& [memory, size] = in.variables[{file, line}];
  if (memory == nullptr) {
    in.ask_for_shared(num_bytes);
    if (in.shared_used + num_bytes > kWatchedSharedBytes) stop("a block has more variables than shared memory");
    memory = watched_shared_memory() + in.shared_used;
    size = num_bytes;
    std::memset(memory, kPoison, num_bytes);
    in.shared_used += rounded(num_bytes);
  }
  return memory;
}

void* dynamic_shared() { return block().dynamic.data(); }

void check_access(const void* begin, std::size_t num_bytes, const char* what) {
  if (reinterpret_cast<std::uintptr_t>(begin) % num_bytes != 0) {
    stop((std::string(what) + " is not aligned to its size").c_str());
  }
  if (!block().shares(begin, num_bytes) && !global_memory().holds(begin, num_bytes)) {
    stop((std::string(what) + " is outside the memory of the block and the GPU").c_str());
  }
}

void copy_later(void* to, const void* from, std::size_t num_bytes) {
  check_access(from, num_bytes, "the source of an asynchronous copy");
  check_access(to, num_bytes, "the target of an asynchronous copy");
  if (!block().shares(to, num_bytes)) stop("the target of an asynchronous copy is not shared memory");
  if (block().shares(from, num_bytes)) stop("the source of an asynchronous copy is shared memory");
  note_use(to, num_bytes, true);  // from now until it is waited for
  note_use(from, num_bytes, false);
  block().running().uncommitted.push_back({to, from, num_bytes});
}

void commit_copies() {
  Fiber& fiber = block().running();
  fiber.groups.push_back(std::move(fiber.uncommitted));
  fiber.uncommitted.clear();
}

void wait_for_copies(unsigned groups_left) {
  Fiber& fiber = block().running();
  while (fiber.groups.size() > groups_left) {
    for (const Copy& copy : fiber.groups.front()) {
      note_use(copy.to, copy.num_bytes, true);
      note_use(copy.from, copy.num_bytes, false);
      std::memcpy(copy.to, copy.from, copy.num_bytes);
    }
    fiber.groups.pop_front();
  }
}

void launch(void* stream, dim3 grid, dim3 size, DynamicShared shared, std::function<void()> kernel) {
  const int device = static_cast<const Stream*>(stream)->device;
  if (current_device != device) stop("a kernel is launched by a thread that speaks to another GPU");
  static_cast<Stream*>(stream)->work->add(
      [=, kernel = std::move(kernel)] { run_grid(device, grid, size, shared, kernel); });
}

}  // namespace reprise::emulation
