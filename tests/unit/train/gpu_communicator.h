#pragma once
// A communicator that moves the memory of GPUs, for GPUs of tests, whose memory is the host's.

#include <atomic>
#include <vector>

#include "forwarding_communicator.h"

namespace reprise::train {

class GpuCommunicator : public ForwardingCommunicator {
 public:
  GpuCommunicator(dist::Communicator& inner, std::optional<int> gpu) : ForwardingCommunicator(inner), gpu_(gpu) {}

  std::optional<int> gpu() const override { return gpu_; }
  void all_to_all(std::span<const std::span<const std::byte>> send,
                  std::span<const std::span<std::byte>> receive) override {
    ++num_exchanges_of_hosts;
    ForwardingCommunicator::all_to_all(send, receive);
  }
  void all_to_all_on_gpu(std::span<const std::span<const std::byte>> send,
                         std::span<const std::span<std::byte>> receive) override {
    for (const auto& bytes : send) check(bytes);
    for (const auto& bytes : receive) check(bytes);
    ForwardingCommunicator::all_to_all(send, receive);
    ++num_exchanges_of_gpus;
  }
  void all_gather_on_gpu(std::span<const std::span<std::byte>> parts) override {
    for (const auto& bytes : parts) check(bytes);
    const std::span<const std::byte> mine = parts[static_cast<std::size_t>(rank())];
    ForwardingCommunicator::all_gather(std::vector<std::byte>(mine.begin(), mine.end()), parts);
  }

  std::atomic<int> num_exchanges_of_gpus{0}, num_exchanges_of_hosts{0};

 protected:
  /// Looks at what is to be sent or filled in, in the memory of a GPU.
  virtual void check(std::span<const std::byte> bytes) const = 0;

 private:
  std::optional<int> gpu_;
};

}  // namespace reprise::train
