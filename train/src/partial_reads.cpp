#include "partial_reads.h"

#include <utility>

namespace reprise::train {

PartialReads::PartialReads(numerics::Device& device, std::shared_ptr<dist::GradientMemory> host_memory,
                           std::size_t num_parts)
    : device_(device), host_memory_(std::move(host_memory)), parts_(num_parts) {}

PartialReads::~PartialReads() { release(); }

void PartialReads::begin(std::size_t part, std::vector<dist::TreeAdder::Partial> on_device, std::int64_t count) {
  Part& read = parts_[part];
  read.on_device = std::move(on_device);
  read.waits.reserve(read.on_device.size());  // a copy that was begun is never lost
  for (const dist::TreeAdder::Partial& sum : read.on_device) {
    read.on_host.push_back({sum.node, host_memory_->take(count)});
    read.waits.push_back(device_.begin_read(read.on_host.back().buffer.get(), sum.buffer.get(),
                                            static_cast<std::size_t>(count) * sizeof(float)));
  }
}

std::vector<dist::TreeAdder::Partial> PartialReads::finish(std::size_t part) {
  for (const std::function<void()>& wait : parts_[part].waits) wait();
  parts_[part].waits.clear();
  return std::move(parts_[part].on_host);
}

void PartialReads::release() {
  for (Part& part : parts_) {
    for (const std::function<void()>& wait : part.waits) {
      try {
        wait();
      } catch (...) {  // the step has failed already, and is over: there is no copy to come
      }
    }
    part = {};
  }
}

}  // namespace reprise::train
