#include "between_gpus.h"

#include <algorithm>
#include <span>
#include <vector>

#include "gather.h"
#include "reprise/numerics/device_memory.h"

namespace reprise::train {
namespace {

/// Sends a little to each rank, and gathers a little from each.
void speak_once(numerics::Device& device, dist::Communicator& communicator) {
  constexpr std::size_t kBytes = 256;
  const auto num_ranks = static_cast<std::size_t>(communicator.size());
  numerics::DeviceMemory memory(device);
  const auto all_bytes = static_cast<std::int64_t>(kBytes * num_ranks);
  std::byte* const out = memory.take<std::byte>(all_bytes);
  std::byte* const in = memory.take<std::byte>(all_bytes);
  device.clear(out, kBytes * num_ranks);
  device.clear(in, kBytes * num_ranks);
  device.synchronize();
  std::vector<std::span<const std::byte>> send(num_ranks);
  std::vector<std::span<std::byte>> receive(num_ranks), parts(num_ranks);
  for (std::size_t rank = 0; rank < num_ranks; ++rank) {
    parts[rank] = {in + rank * kBytes, kBytes};
    if (rank == static_cast<std::size_t>(communicator.rank())) continue;
    send[rank] = {out + rank * kBytes, kBytes};
    receive[rank] = parts[rank];
  }
  communicator.all_to_all_on_gpu(send, receive);
  communicator.all_gather_on_gpu(parts);
}

}  // namespace

bool exchanges_between_gpus(numerics::Device& device, dist::Communicator& communicator) {
  Message mine;
  mine.put(static_cast<std::uint8_t>(communicator.gpu() && communicator.gpu() == device.gpu()));
  const std::vector<std::size_t> sizes(static_cast<std::size_t>(communicator.size()), sizeof(std::uint8_t));
  std::vector<Message> all = gather_messages(communicator, mine, sizes);
  if (!std::all_of(all.begin(), all.end(), [](Message& one) { return one.take<std::uint8_t>() == 1; })) return false;
  speak_once(device, communicator);
  return true;
}

}  // namespace reprise::train
