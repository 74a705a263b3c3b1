#include "gather.h"

#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <string_view>

namespace reprise::train {
namespace {

constexpr std::uint32_t kDone = 0xffffffffu;

std::string broadcast_text(dist::Communicator& communicator, std::string text) {
  std::uint64_t size = text.size();
  communicator.broadcast(std::as_writable_bytes(std::span(&size, 1)), 0);
  text.resize(size);
  if (size > 0) communicator.broadcast(std::as_writable_bytes(std::span(text.data(), text.size())), 0);
  return text;
}

}  // namespace

std::vector<Message> gather_messages(dist::Communicator& communicator, const Message& mine,
                                     std::span<const std::size_t> sizes) {
  std::vector<Message> all;
  std::vector<std::span<std::byte>> receive;
  all.reserve(sizes.size());
  for (std::size_t size : sizes) receive.push_back(all.emplace_back(size).bytes());
  communicator.all_gather(mine.bytes(), receive);
  return all;
}

std::vector<Message> gather_messages(dist::Communicator& communicator, const Message& mine) {
  const auto num_ranks = static_cast<std::size_t>(communicator.size());
  Message my_size;
  my_size.put(static_cast<std::uint64_t>(mine.bytes().size()));
  const std::vector<std::size_t> fixed(num_ranks, sizeof(std::uint64_t));
  std::vector<std::size_t> sizes;
  for (Message& message : gather_messages(communicator, my_size, fixed)) {
    sizes.push_back(static_cast<std::size_t>(message.take<std::uint64_t>()));
  }
  return gather_messages(communicator, mine, sizes);
}

std::string on_first_rank(dist::Communicator& communicator, const std::function<std::string()>& work) {
  if (communicator.size() == 1) return work();
  std::string text;
  std::string hint;
  std::uint32_t outcome = kDone;
  if (communicator.rank() == 0) {
    try {
      text = work();
    } catch (const Error& error) {
      outcome = static_cast<std::uint32_t>(error.kind());
      text = error.what();
      hint = error.hint();
    } catch (const std::bad_alloc&) {
      outcome = static_cast<std::uint32_t>(ErrorKind::kOutOfMemory);
      text = "out of memory on rank 0";
    } catch (const std::exception& error) {
      outcome = static_cast<std::uint32_t>(ErrorKind::kInternal);
      text = error.what();
    }
  }
  communicator.broadcast(std::as_writable_bytes(std::span(&outcome, 1)), 0);
  text = broadcast_text(communicator, std::move(text));
  if (outcome == kDone) return text;
  hint = broadcast_text(communicator, std::move(hint));
  throw Error(static_cast<ErrorKind>(outcome), text, hint);
}

}  // namespace reprise::train
