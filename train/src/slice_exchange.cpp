#include "slice_exchange.h"

#include <algorithm>

#include "reprise/core/error.h"
#include "reprise/core/fault_point.h"

namespace reprise::train {

SliceExchange::SliceExchange(std::int64_t num_grains, const TensorLayout& layout, std::span<const ChunkRange> parts,
                             dist::Communicator& communicator, numerics::Device* device)
    : communicator_(communicator), device_(device) {
  const int num_ranks = communicator.size();
  for (int rank = 0; rank < num_ranks; ++rank) {
    slices_.push_back(chunk_slice(layout.num_chunks(), rank, num_ranks));
    const dist::LeafRange leaves = dist::leaves_of_rank(num_grains, rank, num_ranks);
    subtrees_.push_back(leaves.size() == 0 ? std::vector<dist::LeafRange>{}
                                           : dist::maximal_subtrees(num_grains, leaves));
    nodes_.insert(nodes_.end(), subtrees_.back().begin(), subtrees_.back().end());
    num_rounds_ = std::max(num_rounds_, subtrees_.back().size());
  }
  std::int64_t largest = 0;
  for (const ChunkRange& part : parts) largest = std::max(largest, my_share(part).size());
  // On a device all parts of a step are added behind its passes, so that all of them have to have a place.
  received_elements_ = (device == nullptr ? largest : my_slice().size()) * kChunkElements;
  const auto of_others =
      static_cast<std::int64_t>(nodes_.size() - subtrees_[static_cast<std::size_t>(communicator.rank())].size());
  float* next = nullptr;
  if (device == nullptr) {
    host_memory_.resize(static_cast<std::size_t>(of_others * received_elements_));
    next = host_memory_.data();
  } else {
    next = device_memory_.emplace(*device).take<float>(of_others * received_elements_);
    device->synchronize();  // with what the memory was for before
  }
  for (int rank = 0; rank < num_ranks; ++rank) {
    std::vector<float*>& of_rank = received_.emplace_back();
    if (rank == communicator.rank()) continue;
    for (std::size_t k = 0; k < subtrees_[static_cast<std::size_t>(rank)].size(); ++k, next += received_elements_) {
      of_rank.push_back(next);
    }
  }
}

/// Where this rank's share of a part of a subtree of `rank` comes to.
float* SliceExchange::received(std::size_t rank, std::size_t subtree, const ChunkRange& part) {
  const ChunkRange mine = my_share(part);
  const bool is_first = device_ == nullptr || mine.size() == 0;
  return received_[rank][subtree] + (is_first ? 0 : mine.begin - my_slice().begin) * kChunkElements;
}

ChunkRange SliceExchange::share(int rank, const ChunkRange& part) const {
  const std::int64_t begin = std::max(slice(rank).begin, part.begin);
  return {begin, std::max(begin, std::min(slice(rank).end, part.end))};
}

std::int64_t SliceExchange::receive_bytes() const {
  std::size_t subtrees = 0;
  for (const std::vector<float*>& of_rank : received_) subtrees += of_rank.size();
  return static_cast<std::int64_t>(subtrees * sizeof(float)) * received_elements_;
}

std::span<float* const> SliceExchange::run(const ChunkRange& part, std::span<const dist::TreeAdder::Partial> partials) {
  const auto me = static_cast<std::size_t>(communicator_.rank());
  REPRISE_CHECK_EQ(partials.size(), subtrees_[me].size());
  for (std::size_t round = 0; round < num_rounds_; ++round) exchange_round(round, part, partials);
  pointers_.clear();
  for (std::size_t rank = 0; rank < subtrees_.size(); ++rank) {
    for (std::size_t k = 0; k < subtrees_[rank].size(); ++k) {
      // This rank's own sums stay where they are.
      pointers_.push_back(rank == me ? partials[k].buffer.get() + (my_share(part).begin - part.begin) * kChunkElements
                                     : received(rank, k, part));
    }
  }
  return pointers_;
}

/// Round k moves the k-th subtree of every rank that has one, straight out of its buffer.
void SliceExchange::exchange_round(std::size_t round, const ChunkRange& part,
                                   std::span<const dist::TreeAdder::Partial> partials) {
  fault_point("exchange");
  if (communicator_.size() == 1) return;
  const auto me = static_cast<std::size_t>(communicator_.rank());
  const auto my_count = static_cast<std::size_t>(my_share(part).size() * kChunkElements);
  std::vector<std::span<const std::byte>> send(subtrees_.size());
  std::vector<std::span<std::byte>> receive(subtrees_.size());
  for (std::size_t rank = 0; rank < subtrees_.size(); ++rank) {
    if (rank == me) continue;
    if (round < partials.size()) {
      const ChunkRange theirs = share(static_cast<int>(rank), part);
      send[rank] = std::as_bytes(
          std::span<const float>(partials[round].buffer.get() + (theirs.begin - part.begin) * kChunkElements,
                                 static_cast<std::size_t>(theirs.size() * kChunkElements)));
    }
    if (round < subtrees_[rank].size()) {
      receive[rank] = std::as_writable_bytes(std::span(received(rank, round, part), my_count));
    }
  }
  if (device_ != nullptr) {
    communicator_.all_to_all_on_gpu(send, receive);
  } else {
    communicator_.all_to_all(send, receive);
  }
}

void SliceExchange::gather_slices(std::span<float> flat) {
  fault_point("gather");
  if (communicator_.size() == 1) return;
  const auto slice_of = [&](const ChunkRange& range) {
    return flat.subspan(static_cast<std::size_t>(range.begin * kChunkElements),
                        static_cast<std::size_t>(range.size() * kChunkElements));
  };
  std::vector<std::span<std::byte>> slices;
  for (const ChunkRange& range : slices_) slices.push_back(std::as_writable_bytes(slice_of(range)));
  if (device_ != nullptr) {
    device_->synchronize();
    return communicator_.all_gather_on_gpu(slices);
  }
  // A transport may not read and write the same memory, so this rank's slice goes out from a copy.
  const std::span<const float> mine = slice_of(my_slice());
  outgoing_.assign(mine.begin(), mine.end());
  communicator_.all_gather(std::as_bytes(std::span<const float>(outgoing_)), slices);
}

}  // namespace reprise::train
