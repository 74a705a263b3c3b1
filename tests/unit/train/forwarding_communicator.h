#pragma once
// A communicator that passes everything on to another one, for tests that watch some of it.

#include <cstdlib>

#include "reprise/dist/communicator.h"

namespace reprise::train {

class ForwardingCommunicator : public dist::Communicator {
 public:
  explicit ForwardingCommunicator(dist::Communicator& inner) : inner_(inner) {}
  int rank() const override { return inner_.rank(); }
  int size() const override { return inner_.size(); }
  std::string_view backend() const override { return inner_.backend(); }
  void all_to_all(std::span<const std::span<const std::byte>> send,
                  std::span<const std::span<std::byte>> receive) override {
    inner_.all_to_all(send, receive);
  }
  void all_gather(std::span<const std::byte> mine, std::span<const std::span<std::byte>> receive) override {
    inner_.all_gather(mine, receive);
  }
  void broadcast(std::span<std::byte> bytes, int root) override { inner_.broadcast(bytes, root); }
  void barrier() override { inner_.barrier(); }
  std::unique_ptr<dist::Communicator> duplicate() override { return inner_.duplicate(); }
  [[noreturn]] void abort(int exit_code, std::string_view reason) override {
    inner_.abort(exit_code, reason);
    std::abort();  // not reached
  }
  std::uint64_t bytes_sent() const override { return inner_.bytes_sent(); }

 private:
  dist::Communicator& inner_;
};

}  // namespace reprise::train
