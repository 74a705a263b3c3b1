#include "bpe_trainer.h"

#include <algorithm>
#include <span>
#include <unordered_map>
#include <vector>

#include "pair_table.h"
#include "word_arena.h"

namespace reprise::data {
namespace {

/// A pair that may be merged next. The reference keeps a new entry for a pair that gains places in a later round
/// beside the old one, each with its own places; so do we, for the merges would differ otherwise. Entries with the
/// same count and pair: the one of the earlier round first (the reference leaves that to a hash map).
struct Candidate {
  std::int64_t count;
  std::uint64_t pair;   // packed
  std::uint32_t index;  // of the pair
  std::uint32_t round;
  std::uint32_t places;  // index of its list of words
};

/// A pair that gained words in the present round.
struct Gained {
  std::uint32_t index;  // of the pair
  std::uint32_t last_word;
  std::uint32_t num_words;
};

/// One word that a pair gained.
struct Gain {
  std::uint32_t gained;  // place in the list of gained pairs
  std::uint32_t word;
};

/// What a merge does to the count of a pair around it.
struct Change {
  std::uint64_t pair;  // packed
  std::int64_t count;  // of the word; less than 0: the pair is lost
  std::uint32_t word;
};

/// A part of the list of places.
struct PlaceRange {
  std::size_t begin;
  std::size_t end;
};

/// A type and not a function, so that the heap's loops hold it inline.
struct ComesAfter {
  bool operator()(const Candidate& a, const Candidate& b) const {
    if (a.count != b.count) return a.count < b.count;
    if (a.pair != b.pair) return a.pair > b.pair;
    return a.round > b.round;
  }
};

class Trainer {
 public:
  Trainer(const WordCounts& words, const BpeTrainingOptions& options);
  BpeModel run(ProgressSink& progress);

 private:
  static constexpr std::size_t kAhead = 8;
  static constexpr std::size_t kMaxChanges = 1 << 12;

  void count_pairs();
  void push_places(std::uint32_t round);
  void push(const Candidate& candidate);
  Candidate pop();
  std::uint32_t product_of(IdPair pair);
  void merge_in_words(PlaceRange range, IdPair pair, std::uint32_t product);
  void merge_in_word(std::uint32_t word, IdPair pair, std::uint32_t product);
  void note(IdPair pair, std::int64_t count, std::uint32_t word);
  void apply_changes();
  void gain(std::uint64_t pair, std::int64_t count, std::uint32_t word);

  const BpeTrainingOptions& options_;
  BpeModel model_;
  std::unordered_map<std::string, std::uint32_t> id_of_piece_;
  WordArena words_;
  std::vector<std::uint32_t> all_words_;  // their numbers, ascending
  PairTable table_;
  std::vector<Change> changes_;
  std::vector<Gained> gained_;
  std::vector<Gain> gains_;
  std::vector<Candidate> heap_;
  // Words of each candidate, ascending. A merge of two symbols adds at most two, so all of them are at most three times
  // the symbols of the words.
  std::vector<std::uint32_t> places_;
  std::vector<PlaceRange> ranges_;
};

Trainer::Trainer(const WordCounts& words, const BpeTrainingOptions& options) : options_(options) {
  model_.end_of_text = 0;
  model_.pieces.push_back(options.end_of_text);
  for (const std::uint8_t byte : bytes_by_code_point()) {
    model_.byte_ids[byte] = static_cast<std::uint32_t>(model_.pieces.size());
    model_.pieces.emplace_back(1, static_cast<char>(byte));
    id_of_piece_[model_.pieces.back()] = model_.byte_ids[byte];
  }
  words.for_each([&](std::string_view text, std::int64_t count) {
    if (text.size() < 2) return;  // holds no pair
    all_words_.push_back(words_.add(static_cast<std::uint32_t>(text.size()), count));
    std::uint32_t* symbol = words_.symbols(all_words_.back());
    for (const char byte : text) *symbol++ = model_.byte_ids[static_cast<std::uint8_t>(byte)];
  });
}

void Trainer::count_pairs() {
  for (const std::uint32_t word : all_words_) {
    const std::uint32_t* const ids = words_.symbols(word);
    const std::int64_t count = words_.count(word);
    for (std::uint32_t k = 0; k + 1 < words_.length(word); ++k) gain(IdPair{ids[k], ids[k + 1]}.packed(), count, word);
  }
}

/// Notes that `pair` occurs once more in a word, `count` times in all texts.
void Trainer::gain(std::uint64_t pair, std::int64_t count, std::uint32_t word) {
  const std::uint32_t index = table_.index_of(pair);
  PairEntry& entry = table_[index];
  entry.count += count;
  const bool known = entry.gained < gained_.size() && gained_[entry.gained].index == index;
  if (!known) {
    entry.gained = static_cast<std::uint32_t>(gained_.size());
    gained_.push_back({index, word, 0});
  }
  Gained& gained = gained_[entry.gained];
  if (known && gained.last_word == word) return;
  gained.last_word = word;
  ++gained.num_words;
  gains_.push_back({entry.gained, word});
}

/// Queues the pairs that gained places in `round`. Distinct pairs of one round never compare equal, so the order of
/// the words, and so of gained_, does not show.
void Trainer::push_places(std::uint32_t round) {
  std::vector<std::size_t> next;  // where the next word of a pair goes
  next.reserve(gained_.size());
  std::size_t end = places_.size();
  for (const Gained& gained : gained_) {
    const PairEntry& entry = table_[gained.index];
    next.push_back(end);
    if (entry.count > 0) {
      push({entry.count, entry.pair, gained.index, round, static_cast<std::uint32_t>(ranges_.size())});
      ranges_.push_back({end, end + gained.num_words});
    }
    end += gained.num_words;
  }
  places_.resize(end);
  for (const Gain& gain : gains_) places_[next[gain.gained]++] = gain.word;
  gained_.clear();
  gains_.clear();
}

void Trainer::push(const Candidate& candidate) {
  heap_.push_back(candidate);
  std::push_heap(heap_.begin(), heap_.end(), ComesAfter{});
}

Candidate Trainer::pop() {
  std::pop_heap(heap_.begin(), heap_.end(), ComesAfter{});
  const Candidate top = heap_.back();
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

/// Words and pairs lie anywhere in memory: both are asked for some steps before they are needed.
void Trainer::merge_in_words(PlaceRange range, IdPair pair, std::uint32_t product) {
  for (std::size_t k = range.begin; k < std::min(range.begin + kAhead, range.end); ++k) words_.prefetch(places_[k]);
  for (std::size_t k = range.begin; k < range.end; ++k) {
    if (k + kAhead < range.end) words_.prefetch(places_[k + kAhead]);
    merge_in_word(places_[k], pair, product);
    if (changes_.size() >= kMaxChanges) apply_changes();
  }
  apply_changes();
}

/// Replaces `pair` from left to right and notes what becomes of the pairs around. The count of the pair itself stays,
/// as in the reference: nothing asks for it again, unless the pair gains places later.
void Trainer::merge_in_word(std::uint32_t word, IdPair pair, std::uint32_t product) {
  std::uint32_t* const ids = words_.symbols(word);
  const std::uint32_t length = words_.length(word);
  const std::int64_t count = words_.count(word);
  std::uint32_t kept = 0;
  for (std::uint32_t k = 0; k < length; ++k) {
    const bool found = ids[k] == pair.left && k + 1 < length && ids[k + 1] == pair.right;
    if (!found) {
      ids[kept++] = ids[k];
      continue;
    }
    if (kept > 0) {
      note({ids[kept - 1], pair.left}, -count, word);
      note({ids[kept - 1], product}, count, word);
    }
    ++k;
    if (k + 1 < length) {
      note({pair.right, ids[k + 1]}, -count, word);
      note({product, ids[k + 1]}, count, word);
    }
    ids[kept++] = product;
  }
  words_.shorten(word, kept);
}

void Trainer::note(IdPair pair, std::int64_t count, std::uint32_t word) {
  changes_.push_back({pair.packed(), count, word});
  table_.prefetch_slot(pair.packed());
}

void Trainer::apply_changes() {
  for (std::size_t k = 0; k < changes_.size(); ++k) {
    if (k + kAhead < changes_.size()) table_.prefetch_entry(changes_[k + kAhead].pair);
    const Change& change = changes_[k];
    if (change.count < 0) {
      table_[table_.index_of(change.pair)].count += change.count;
    } else {
      gain(change.pair, change.count, change.word);
    }
  }
  changes_.clear();
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
    const std::int64_t count = table_[top.index].count;
    if (top.count != count) {
      top.count = count;
      push(top);
      continue;
    }
    if (top.count < 1 || top.count < options_.min_frequency) break;
    const IdPair pair = IdPair::unpack(top.pair);
    const std::uint32_t product = product_of(pair);
    model_.merges.push_back({pair, product});
    merge_in_words(ranges_[top.places], pair, product);
    push_places(static_cast<std::uint32_t>(model_.merges.size()));
    progress.update(static_cast<std::int64_t>(model_.pieces.size()) - start_size);
  }
  progress.end();
  model_.merges = drop_repeated(model_.merges);
  return std::move(model_);
}

}  // namespace

BpeModel train_bpe(const WordCounts& words, const BpeTrainingOptions& options, ProgressSink& progress) {
  return Trainer(words, options).run(progress);
}

}  // namespace reprise::data
