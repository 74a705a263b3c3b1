#pragma once
// Splits one word into pieces by the merges of a model. Thread-safety: const use from several threads.

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bpe_model.h"

namespace reprise::data {

class BpeEncoder {
 public:
  /// Keeps a reference to `model`.
  explicit BpeEncoder(const BpeModel& model);

  /// Appends the ids of `word` (raw bytes; whole characters unless the model is of byte level). The pair of the
  /// smallest rank merges first, the leftmost of several.
  void encode_word(std::string_view word, std::vector<std::int32_t>& ids) const;

 private:
  struct Slot {
    std::uint64_t pair;  // packed
    std::uint32_t rank;
    std::uint32_t product;
  };
  struct Merge {
    std::uint32_t rank;  // kNoId: the pair does not merge
    std::uint32_t product;
  };

  Merge find(std::uint32_t left, std::uint32_t right) const;
  std::size_t merge_short(std::uint32_t* symbols, std::size_t count) const;
  void merge_long(std::vector<std::uint32_t>& symbols) const;
  void encode_bytes(std::string_view word, std::vector<std::int32_t>& ids) const;
  std::vector<std::uint32_t> symbols_of_characters(std::string_view word) const;
  bool has_bytes(std::string_view character) const;
  std::uint32_t piece_id(std::string_view text) const;

  const BpeModel& model_;
  std::vector<Slot> slots_;  // open addressing, at most half full
  std::uint64_t mask_ = 0;
  std::unordered_map<std::string_view, std::uint32_t> piece_ids_;  // filled where words or characters are looked up
};

}  // namespace reprise::data
