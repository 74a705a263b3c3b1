#include "bpe_trainer.h"

#include <algorithm>
#include <limits>
#include <span>
#include <unordered_map>

namespace reprise::data {
namespace {

struct PairHash {
  std::size_t operator()(std::uint64_t packed) const {
    packed *= 0x9E3779B97F4A7C15u;
    return static_cast<std::size_t>(packed ^ packed >> 29);
  }
};

using PairCounts = std::unordered_map<std::uint64_t, std::int64_t, PairHash>;
using PairPlaces = std::unordered_map<std::uint64_t, std::vector<std::uint32_t>, PairHash>;

/// One word, shrinking in place inside the trainer's arena.
struct Word {
  std::size_t offset;
  std::uint32_t length;
  std::int64_t count;
};

/// A pair that may be merged next. The reference keeps a new entry for a pair that gains places in a later round
/// beside the old one, each with its own places; so do we, for the merges would differ otherwise. Entries with the
/// same count and pair: the one of the earlier round first (the reference leaves that to a hash map).
struct Candidate {
  std::int64_t count;
  IdPair pair;
  std::uint32_t round;
  std::vector<std::uint32_t> places;  // indices of words, ascending

  bool comes_after(const Candidate& other) const {
    if (count != other.count) return count < other.count;
    if (pair != other.pair) return pair > other.pair;
    return round > other.round;
  }
};

bool comes_after(const Candidate& a, const Candidate& b) { return a.comes_after(b); }

class Trainer {
 public:
  Trainer(const std::vector<WordCount>& words, const BpeTrainingOptions& options);
  BpeModel run(ProgressSink& progress);

 private:
  std::span<std::uint32_t> symbols(const Word& word) { return {arena_.data() + word.offset, word.length}; }
  void count_pairs();
  void push_places(std::uint32_t round);
  void push(Candidate candidate);
  Candidate pop();
  std::uint32_t product_of(IdPair pair);
  void merge_in_word(std::uint32_t word_index, IdPair pair, std::uint32_t product);
  void change(IdPair pair, int sign, std::uint32_t word_index);

  const BpeTrainingOptions& options_;
  BpeModel model_;
  std::unordered_map<std::string, std::uint32_t> id_of_piece_;
  std::vector<std::uint32_t> arena_;
  std::vector<Word> words_;
  PairCounts counts_;
  PairPlaces new_places_;  // places gained in the present round
  std::vector<Candidate> heap_;
};

Trainer::Trainer(const std::vector<WordCount>& words, const BpeTrainingOptions& options) : options_(options) {
  model_.end_of_text = 0;
  model_.pieces.push_back(options.end_of_text);
  for (const std::uint8_t byte : bytes_by_code_point()) {
    model_.byte_ids[byte] = static_cast<std::uint32_t>(model_.pieces.size());
    model_.pieces.emplace_back(1, static_cast<char>(byte));
    id_of_piece_[model_.pieces.back()] = model_.byte_ids[byte];
  }
  for (const auto& [text, count] : words) {
    words_.push_back({arena_.size(), static_cast<std::uint32_t>(text.size()), count});
    for (const char byte : text) arena_.push_back(model_.byte_ids[static_cast<std::uint8_t>(byte)]);
  }
}

void Trainer::count_pairs() {
  for (std::uint32_t w = 0; w < words_.size(); ++w) {
    const std::span<const std::uint32_t> ids = symbols(words_[w]);
    for (std::size_t k = 0; k + 1 < ids.size(); ++k) change({ids[k], ids[k + 1]}, +1, w);
  }
}

/// Notes that `pair` occurs once more or once less in a word.
void Trainer::change(IdPair pair, int sign, std::uint32_t word_index) {
  counts_[pair.packed()] += sign * words_[word_index].count;
  if (sign < 0) return;
  std::vector<std::uint32_t>& places = new_places_[pair.packed()];
  if (places.empty() || places.back() != word_index) places.push_back(word_index);
}

/// Queues the pairs that gained places in `round`. Distinct pairs of one round never compare equal, so the order of
/// the hash map does not show.
void Trainer::push_places(std::uint32_t round) {
  for (auto& [packed, places] : new_places_) {
    const std::int64_t count = counts_.at(packed);
    if (count > 0) push({count, IdPair::unpack(packed), round, std::move(places)});
  }
  new_places_.clear();
}

void Trainer::push(Candidate candidate) {
  heap_.push_back(std::move(candidate));
  std::push_heap(heap_.begin(), heap_.end(), comes_after);
}

Candidate Trainer::pop() {
  std::pop_heap(heap_.begin(), heap_.end(), comes_after);
  Candidate top = std::move(heap_.back());
  heap_.pop_back();
  return top;
}

/// Two pairs may make the same piece ("ab"+"c", "a"+"bc"); the second gets the id of the first.
std::uint32_t Trainer::product_of(IdPair pair) {
  std::string piece = model_.pieces[pair.left] + model_.pieces[pair.right];
  const auto [entry, is_new] = id_of_piece_.try_emplace(piece, static_cast<std::uint32_t>(model_.pieces.size()));
  if (is_new) model_.pieces.push_back(std::move(piece));
  return entry->second;
}

/// Replaces `pair` from left to right and updates the counts of the pairs around. The count of the pair itself
/// stays, as in the reference: nothing asks for it again, unless the pair gains places later.
void Trainer::merge_in_word(std::uint32_t word_index, IdPair pair, std::uint32_t product) {
  Word& word = words_[word_index];
  const std::span<std::uint32_t> ids = symbols(word);
  std::uint32_t kept = 0;
  for (std::uint32_t k = 0; k < word.length; ++k) {
    const bool found = ids[k] == pair.left && k + 1 < word.length && ids[k + 1] == pair.right;
    if (!found) {
      ids[kept++] = ids[k];
      continue;
    }
    if (kept > 0) {
      change({ids[kept - 1], pair.left}, -1, word_index);
      change({ids[kept - 1], product}, +1, word_index);
    }
    ++k;
    if (k + 1 < word.length) {
      change({pair.right, ids[k + 1]}, -1, word_index);
      change({product, ids[k + 1]}, +1, word_index);
    }
    ids[kept++] = product;
  }
  word.length = kept;
}

/// Leaves the last of the merges that name the same pair (the reference's map from pairs to ranks does that).
std::vector<BpeMerge> drop_repeated(const std::vector<BpeMerge>& merges) {
  std::unordered_map<std::uint64_t, std::size_t> last;
  for (std::size_t rank = 0; rank < merges.size(); ++rank) last[merges[rank].pair.packed()] = rank;
  std::vector<BpeMerge> kept;
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    if (last[merges[rank].pair.packed()] == rank) kept.push_back(merges[rank]);
  }
  return kept;
}

BpeModel Trainer::run(ProgressSink& progress) {
  const auto start_size = static_cast<std::int64_t>(model_.pieces.size());
  progress.begin("tokenizer: learn merges", std::max<std::int64_t>(0, options_.vocab_size - start_size), "merges");
  count_pairs();
  push_places(0);
  while (model_.pieces.size() < options_.vocab_size && !heap_.empty()) {
    Candidate top = pop();
    const std::int64_t count = counts_.at(top.pair.packed());
    if (top.count != count) {
      top.count = count;
      push(std::move(top));
      continue;
    }
    if (top.count < 1 || top.count < options_.min_frequency) break;
    const std::uint32_t product = product_of(top.pair);
    model_.merges.push_back({top.pair, product});
    for (const std::uint32_t word_index : top.places) merge_in_word(word_index, top.pair, product);
    push_places(static_cast<std::uint32_t>(model_.merges.size()));
    progress.update(static_cast<std::int64_t>(model_.pieces.size()) - start_size);
  }
  progress.end();
  model_.merges = drop_repeated(model_.merges);
  return std::move(model_);
}

}  // namespace

BpeModel train_bpe(const std::vector<WordCount>& words, const BpeTrainingOptions& options, ProgressSink& progress) {
  return Trainer(words, options).run(progress);
}

}  // namespace reprise::data
