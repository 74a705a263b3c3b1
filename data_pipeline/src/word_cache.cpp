#include "word_cache.h"

#include <algorithm>

namespace reprise::data {

void WordCache::claim(std::uint64_t owner) {
  if (owner_ == owner) return;
  owner_ = owner;
  sets_.assign((std::size_t{1} << kSetBits) * kWays, Slot{});
  overflow_.clear();
  long_words_.clear();
}

/// A word that is not in its set takes the first place; the last one of the set is forgotten.
void WordCache::encode_new(const BpeEncoder& encoder, std::string_view word, const ShortWord& key, Slot* set,
                           std::vector<std::int32_t>& ids) {
  const std::size_t begin = ids.size();
  encoder.encode_word(word, ids);
  Slot slot{key, {}, static_cast<std::uint32_t>(ids.size() - begin)};
  if (slot.count <= kInlineIds) {
    std::copy(ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.end(), slot.ids);
  } else {
    if (overflow_.size() >= kMaxOverflowIds) {
      std::fill(sets_.begin(), sets_.end(), Slot{});
      overflow_.clear();
    }
    slot.ids[0] = static_cast<std::int32_t>(overflow_.size());
    overflow_.insert(overflow_.end(), ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.end());
  }
  std::copy_backward(set, set + kWays - 1, set + kWays);
  set[0] = slot;
}

void WordCache::encode_long(const BpeEncoder& encoder, std::string_view word, std::vector<std::int32_t>& ids) {
  if (word.size() > kMaxLongWordBytes) return encoder.encode_word(word, ids);
  const auto found = long_words_.find(word);
  if (found != long_words_.end()) {
    ids.insert(ids.end(), found->second.begin(), found->second.end());
    return;
  }
  if (long_words_.size() >= kMaxLongWords) long_words_.clear();
  const auto begin = static_cast<std::ptrdiff_t>(ids.size());
  encoder.encode_word(word, ids);
  long_words_.emplace(word, std::vector<std::int32_t>(ids.begin() + begin, ids.end()));
}

}  // namespace reprise::data
