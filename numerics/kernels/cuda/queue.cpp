#include "queue.h"

#include <algorithm>
#include <set>
#include <utility>

#include "reprise/core/error.h"

namespace reprise::numerics::cuda {
namespace {

constexpr std::size_t kGranule = 512;

std::size_t size_class(std::size_t num_bytes) {
  return (std::max<std::size_t>(num_bytes, 1) + kGranule - 1) / kGranule * kGranule;
}

}  // namespace

Queue::~Queue() {
  for (void* const memory : all_) stream_.free(memory);
}

void* Queue::allocate(std::size_t num_bytes) {
  void* memory = nullptr;
  try {
    memory = stream_.allocate(num_bytes);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kOutOfMemory || capturing_ || !free_unused()) throw;
    memory = stream_.allocate(num_bytes);
  }
  all_.push_back(memory);
  reserved_ += num_bytes;
  return memory;
}

bool Queue::free_unused() {
  stream_.synchronize();  // work under way may use what was given back
  std::set<void*> freed;
  for (const auto& [size, blocks] : free_) {
    for (void* const block : blocks) {
      stream_.free(block);
      freed.insert(block);
      reserved_ -= size;
    }
  }
  free_.clear();
  std::erase_if(all_, [&](void* memory) { return freed.contains(memory); });
  return !freed.empty();
}

float* Queue::scratch(Scratch which, std::int64_t count) {
  Buffer& buffer = scratch_[static_cast<int>(which)];
  if (buffer.count < count) {
    // The smaller one stays: launches under way and recordings may use it.
    buffer.memory = static_cast<float*>(allocate(static_cast<std::size_t>(count) * sizeof(float)));
    buffer.count = count;
  }
  return buffer.memory;
}

void* Queue::take(std::size_t num_bytes) {
  const std::size_t size = size_class(num_bytes);
  for (FreeBlocks* const from : {recorded_.get(), &free_}) {
    if (from == nullptr) continue;
    std::vector<void*>& blocks = (*from)[size];
    if (blocks.empty()) continue;
    void* const block = blocks.back();
    blocks.pop_back();
    return block;
  }
  return allocate(size);
}

void Queue::give(void* block, std::size_t num_bytes) {
  (recorded_ ? *recorded_ : free_)[size_class(num_bytes)].push_back(block);
}

void Queue::begin_recording() { recorded_ = std::make_shared<FreeBlocks>(); }

void Queue::begin_capture() {
  stream_.begin_capture();
  capturing_ = true;
}

void* Queue::take_host(std::size_t num_bytes) { return allocate_pinned(num_bytes); }
void Queue::give_host(void* memory, std::size_t) { free_pinned(memory); }
std::function<void()> Queue::begin_read(void* to_host, const void* from, std::size_t num_bytes) {
  stream_.read(to_host, from, num_bytes);
  return [] {};
}
void Queue::end_piece() {}

std::vector<std::function<void()>> Queue::end_recording() {
  capturing_ = false;
  std::shared_ptr<Graph> graph = stream_.end_capture();
  return {[this, graph = std::move(graph), blocks = std::exchange(recorded_, nullptr)] {
    stream_.use();
    graph->launch();
  }};
}

void Queue::cancel_recording() noexcept {
  recorded_.reset();
  try {
    if (std::exchange(capturing_, false)) stream_.end_capture();
  } catch (...) {  // what stopped the recording is what is reported
  }
}

}  // namespace reprise::numerics::cuda
