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

/// Takes a block of a size class; null when none is free.
void* take_free(std::map<std::size_t, std::vector<void*>>& free, std::size_t size) {
  std::vector<void*>& blocks = free[size];
  if (blocks.empty()) return nullptr;
  void* const block = blocks.back();
  blocks.pop_back();
  return block;
}

}  // namespace

Queue::Queue(int device, WorkOrder order)
    : shared_bytes_per_block_(device_properties(device).shared_bytes_per_block),
      stream_(device, order),
      reads_(std::make_unique<ReadStream>(stream_)) {}

Queue::~Queue() {
  reads_.reset();  // waits for copies whose memory goes away here
  for (void* const memory : all_) stream_.free(memory);
  for (void* const memory : all_host_) stream_.free_pinned(memory);
}

void* Queue::allocate_if_any(std::size_t num_bytes) {
  try {
    return stream_.allocate(num_bytes);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kOutOfMemory) throw;
    return nullptr;
  }
}

void* Queue::allocate(std::size_t num_bytes) {
  void* memory = nullptr;
  if (!capturing_) {
    memory = allocate_if_any(num_bytes);
    if (memory == nullptr && give_back_unused()) memory = allocate_if_any(num_bytes);
    if (memory == nullptr && others_give_back_) others_give_back_();
  }
  if (memory == nullptr) memory = stream_.allocate(num_bytes);
  all_.push_back(memory);
  reserved_ += num_bytes;
  return memory;
}

bool Queue::give_back_unused() {
  const auto is_empty = [](const auto& blocks) { return blocks.second.empty(); };
  if (capturing_ || std::all_of(free_.begin(), free_.end(), is_empty)) return false;
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
  return true;
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
    if (void* const block = take_free(*from, size); block != nullptr) return block;
  }
  return allocate(size);
}

void Queue::give(void* block, std::size_t num_bytes) {
  (recorded_ ? *recorded_ : free_)[size_class(num_bytes)].push_back(block);
}

void* Queue::take_host(std::size_t num_bytes) {
  const std::size_t size = size_class(num_bytes);
  const std::lock_guard lock(host_mutex_);
  if (void* const block = take_free(host_free_, size); block != nullptr) return block;
  all_host_.push_back(stream_.allocate_pinned(size));
  return all_host_.back();
}

void Queue::give_host(void* memory, std::size_t num_bytes) {
  const std::lock_guard lock(host_mutex_);
  host_free_[size_class(num_bytes)].push_back(memory);
}

std::function<void()> Queue::mark() {
  REPRISE_CHECK(recorded_ == nullptr);
  return stream_.mark();
}

std::function<void()> Queue::begin_read(void* to_host, const void* from, std::size_t num_bytes) {
  REPRISE_CHECK(recorded_ == nullptr);
  return reads_->begin(to_host, from, num_bytes);
}

void Queue::begin_recording() {
  recorded_ = std::shared_ptr<FreeBlocks>(new FreeBlocks, [this](FreeBlocks* blocks) {
    for (auto& [size, of_size] : *blocks) {
      std::vector<void*>& free = free_[size];
      free.insert(free.end(), of_size.begin(), of_size.end());
    }
    delete blocks;
  });
}

void Queue::begin_capture() {
  stream_.begin_capture();
  capturing_ = true;
}

void Queue::keep_piece() {
  capturing_ = false;
  pieces_.push_back(stream_.end_capture());
}

void Queue::end_piece() {
  if (!capturing_) return;
  keep_piece();
  begin_capture();
}

std::vector<std::function<void()>> Queue::end_recording() {
  keep_piece();
  const std::shared_ptr<FreeBlocks> blocks = std::exchange(recorded_, nullptr);
  std::vector<std::function<void()>> launches;
  for (std::shared_ptr<Graph>& graph : std::exchange(pieces_, {})) {
    launches.emplace_back([this, graph = std::move(graph), blocks] {
      stream_.use();
      graph->launch();
    });
  }
  return launches;
}

void Queue::cancel_recording() noexcept {
  recorded_.reset();
  pieces_.clear();
  try {
    if (std::exchange(capturing_, false)) stream_.end_capture();
  } catch (...) {  // what stopped the recording is what is reported
  }
}

}  // namespace reprise::numerics::cuda
