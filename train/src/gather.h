#pragma once
// Small messages between ranks: typed values packed into bytes, work that one rank does for all, and how its failure
// reaches the others.

#include <cstddef>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "reprise/core/error.h"
#include "reprise/dist/communicator.h"

namespace reprise::train {

/// Bytes of one message, written and read in the same order.
class Message {
 public:
  Message() = default;
  explicit Message(std::size_t size) : bytes_(size) {}

  template <typename T>
  void put(std::span<const T> values) {
    static_assert(std::is_trivially_copyable_v<T>);
    const std::size_t position = bytes_.size();
    bytes_.resize(position + values.size_bytes());
    if (!values.empty()) std::memcpy(bytes_.data() + position, values.data(), values.size_bytes());
  }
  template <typename T>
  void put(const T& value) {
    put(std::span<const T>(&value, 1));
  }

  template <typename T>
  void take(std::span<T> values) {
    static_assert(std::is_trivially_copyable_v<T>);
    REPRISE_CHECK(position_ + values.size_bytes() <= bytes_.size());
    if (!values.empty()) std::memcpy(values.data(), bytes_.data() + position_, values.size_bytes());
    position_ += values.size_bytes();
  }
  template <typename T>
  T take() {
    T value{};
    take(std::span<T>(&value, 1));
    return value;
  }

  std::span<std::byte> bytes() { return bytes_; }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
  std::size_t position_ = 0;
};

/// Gives `mine` to every rank; returns the messages of all, by rank. `sizes[r]` is the size of rank r's.
std::vector<Message> gather_messages(dist::Communicator& communicator, const Message& mine,
                                     std::span<const std::size_t> sizes);

/// Gathers messages whose sizes the others do not know.
std::vector<Message> gather_messages(dist::Communicator& communicator, const Message& mine);

/// Runs `work` on rank 0 and gives the text it returns to every rank; an Error is thrown on every rank.
std::string on_first_rank(dist::Communicator& communicator, const std::function<std::string()>& work);

}  // namespace reprise::train
