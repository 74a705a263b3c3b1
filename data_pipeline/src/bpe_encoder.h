#pragma once
// Splits one word into pieces by the merges of a model. Thread-safety: const use from several threads.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "bpe_model.h"

namespace reprise::data {

class BpeEncoder {
 public:
  explicit BpeEncoder(const BpeModel& model);

  /// Appends the ids of `word` (raw bytes). The pair of the smallest rank merges first, the leftmost of several.
  void encode_word(std::string_view word, std::vector<std::int32_t>& ids) const;

 private:
  struct Slot {
    std::uint64_t pair;  // packed
    std::uint32_t rank;
    std::uint32_t product;
  };
  struct Merge {
    std::uint32_t rank;
    std::uint32_t product;
  };

  std::optional<Merge> find(std::uint32_t left, std::uint32_t right) const;
  void merge_short(std::vector<std::uint32_t>& symbols) const;
  void merge_long(std::vector<std::uint32_t>& symbols) const;

  std::array<std::uint32_t, 256> byte_ids_;
  std::vector<Slot> slots_;  // open addressing, at most half full
  std::uint64_t mask_ = 0;
};

}  // namespace reprise::data
