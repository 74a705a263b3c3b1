#include "word_counts.h"

#include <algorithm>

namespace reprise::data {

void WordCounts::add_long(std::string_view word, std::int64_t count) {
  const auto found = long_words_.find(word);
  if (found != long_words_.end()) {
    found->second += count;
  } else {
    long_words_.emplace(word, count);
  }
}

void WordCounts::grow() {
  std::vector<Slot> old(std::max<std::size_t>(1024, 4 * slots_.size()));
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (!slot.key.empty()) find(slot.key) = slot;
  }
}

}  // namespace reprise::data
