#include "word_counts.h"

#include <algorithm>

namespace reprise::data {

void WordCounts::insert(Slot& slot, std::string_view word) {
  slot.offset = arena_.size();
  slot.length = static_cast<std::uint32_t>(word.size());
  slot.hash = static_cast<std::uint32_t>(hash_of(word) >> 32);
  arena_ += word;
  ++num_words_;
}

void WordCounts::grow() {
  std::vector<Slot> old(std::max<std::size_t>(1024, 4 * slots_.size()));
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.length > 0) find(word_of(slot), hash_of(word_of(slot))) = slot;
  }
}

}  // namespace reprise::data
