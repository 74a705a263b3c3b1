#include "gradient_parts.h"

#include "decoder_graph.h"
#include "reprise/core/error.h"
#include "reprise/ops/device_scope.h"

namespace reprise::model {
namespace {

bool lies_in(const TensorLayout::Entry& entry, const ChunkRange& part) {
  return entry.first_chunk >= part.begin && entry.first_chunk < part.end;
}

}  // namespace

PassGradients::PassGradients(const TensorLayout& layout, std::span<float> weights, GradientSink& sink,
                             const at::Tensor& operands)
    : layout_(layout), sink_(sink) {
  // Views of no memory: whoever writes a gradient before its part was taken crashes instead of spoiling another.
  const std::vector<std::span<float>> nowhere(
      sink.num_grains(),
      std::span<float>(static_cast<float*>(nullptr), static_cast<std::size_t>(layout.num_elements())));
  parameters_ = parameter_views(layout, weights, nowhere, operands);
}

void PassGradients::take(std::size_t part) {
  const ChunkRange& chunks = sink_.parts()[part];
  std::vector<float*>& memory = memory_.emplace_back();
  for (std::size_t grain = 0; grain < sink_.num_grains(); ++grain) {
    float* const begin = memory.emplace_back(sink_.take(part, grain));
    for (std::size_t index = 0; index < parameters_.size(); ++index) {
      const TensorLayout::Entry& entry = layout_.entries()[index];
      if (!lies_in(entry, chunks)) continue;
      // The graph has kept the tensor; its storage is what it shares with ours.
      parameters_[index].gradients[grain].storage().set_data_ptr_noswap(
          at::DataPtr(begin + (entry.offset - chunks.begin * kChunkElements), ops::tensor_device()));
    }
  }
}

void PassGradients::take_all() {
  for (std::size_t part = 0; part < sink_.parts().size(); ++part) take(part);
}

void PassGradients::complete_from(std::size_t first_tensor) {
  const std::int64_t first_chunk = layout_.entries()[first_tensor].first_chunk;
  const std::span<const ChunkRange> parts = sink_.parts();
  while (num_done_ < parts.size() && parts[num_done_].begin >= first_chunk) {
    REPRISE_CHECK(num_done_ < memory_.size());
    zero_padding(num_done_);
    sink_.done(num_done_);
    ++num_done_;
    if (num_done_ < parts.size() && num_done_ == memory_.size()) take(num_done_);
  }
}

void PassGradients::zero_padding(std::size_t part) {
  const ChunkRange& chunks = sink_.parts()[part];
  for (const TensorLayout::Entry& entry : layout_.entries()) {
    if (!lies_in(entry, chunks)) continue;
    const std::int64_t offset = entry.offset - chunks.begin * kChunkElements;
    for (float* memory : memory_[part]) {
      const std::int64_t used = entry.spec.num_elements();
      const std::int64_t padding = entry.num_chunks * kChunkElements - used;
      ops::active_device().clear(memory + offset + used, static_cast<std::size_t>(padding) * sizeof(float));
    }
  }
}

}  // namespace reprise::model
