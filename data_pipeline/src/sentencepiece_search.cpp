// Pieces of a normalised text: the most likely ones (unigram), or by merges (BPE).

#include <algorithm>
#include <cmath>
#include <optional>
#include <queue>

#include "sentencepiece_parts.h"
#include "token_decoder.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

constexpr float kUnknownPenalty = 10;

/// A sum of scores beyond this is moved back to 0.
constexpr float kFarFromZero = 100000;

/// Of the normal pieces.
float lowest_score(const std::vector<ScoredPiece>& pieces) {
  std::optional<float> lowest;
  for (const ScoredPiece& piece : pieces) {
    if (piece.type == PieceType::kNormal) lowest = std::min(lowest.value_or(piece.score), piece.score);
  }
  return lowest.value_or(0);
}

/// A user-defined piece is always better than the normal ones, and a long one than several short ones.
float search_score(const ScoredPiece& piece) {
  if (piece.type != PieceType::kUserDefined) return piece.score;
  return static_cast<float>(0.1 * (static_cast<double>(piece.text.size()) - 1));
}

/// The best way to each end. Sums are rounded to float before they are compared, and moved back towards 0 in a long
/// text, where floats lie far apart: as the reference does, so that ties and near ties fall as they fall there.
class BestPaths {
 public:
  explicit BestPaths(std::size_t text_size) : ends_(text_size + 1) {}

  /// Pieces are offered from here until the next call.
  void start(std::size_t begin) {
    begin_ = begin;
    const float offset = ends_[begin].score;
    for (std::size_t end = begin; std::abs(offset) > kFarFromZero && end <= furthest_; ++end) {
      if (ends_[end].reached) ends_[end].score -= offset;
    }
  }

  void offer(std::size_t size, std::uint32_t id, float score) {
    const std::size_t end = begin_ + size;
    furthest_ = std::max(furthest_, end);
    const float sum = score + ends_[begin_].score;
    if (!ends_[end].reached || sum > ends_[end].score) ends_[end] = {sum, id, begin_, true};
  }

  std::vector<FoundPiece> pieces(std::string_view text) const {
    std::vector<FoundPiece> found;
    for (std::size_t end = text.size(); end > 0; end = ends_[end].begin) {
      found.push_back({text.substr(ends_[end].begin, end - ends_[end].begin), ends_[end].id});
    }
    std::reverse(found.begin(), found.end());
    return found;
  }

 private:
  struct End {
    float score = 0;
    std::uint32_t id = 0;
    std::size_t begin = 0;
    bool reached = false;
  };
  std::vector<End> ends_;
  std::size_t begin_ = 0;
  std::size_t furthest_ = 0;
};

}  // namespace

PieceIndex::PieceIndex(const std::vector<ScoredPiece>& pieces) : byte_ids_(256) {
  for (std::uint32_t id = 0; id < pieces.size(); ++id) {
    const ScoredPiece& piece = pieces[id];
    switch (piece.type) {
      case PieceType::kUnknown:
        unknown_ = id;
        break;
      case PieceType::kControl:
        break;
      case PieceType::kByte:
        if (const auto byte = byte_of_token(piece.text)) byte_ids_[static_cast<std::uint8_t>(*byte)] = id;
        break;
      case PieceType::kUserDefined:
        user_defined_.push_back(piece.text);
        [[fallthrough]];
      case PieceType::kNormal:
      case PieceType::kUnused:
        ids_.emplace(piece.text, id);
        longest_piece_ = std::max(longest_piece_, piece.text.size());
    }
  }
  std::stable_sort(user_defined_.begin(), user_defined_.end(),
                   [](std::string_view a, std::string_view b) { return a.size() > b.size(); });
}

std::optional<std::uint32_t> PieceIndex::find(std::string_view text) const {
  const auto entry = ids_.find(text);
  if (entry == ids_.end()) return std::nullopt;
  return entry->second;
}

std::size_t PieceIndex::user_defined_prefix(std::string_view text) const {
  for (const std::string_view piece : user_defined_) {
    if (text.starts_with(piece)) return piece.size();
  }
  return 0;
}

/// Viterbi over the bytes.
std::vector<FoundPiece> find_unigram_pieces(const SentencePieceParts& parts, const PieceIndex& index,
                                            std::string_view text) {
  const float unknown = lowest_score(parts.pieces) - kUnknownPenalty;
  BestPaths paths(text.size());
  for (std::size_t begin = 0; begin < text.size();) {
    paths.start(begin);
    const std::size_t character = decode_character(text, begin).num_bytes;
    bool has_character = false;
    for (std::size_t size = 1; size <= std::min(index.longest_piece(), text.size() - begin); ++size) {
      const std::optional<std::uint32_t> id = index.find(text.substr(begin, size));
      if (!id || parts.pieces[*id].type == PieceType::kUnused) continue;
      paths.offer(size, *id, search_score(parts.pieces[*id]));
      has_character = has_character || size == character;
    }
    if (!has_character) paths.offer(character, index.unknown(), unknown);
    begin += character;
  }
  return paths.pieces(text);
}

namespace {

class BpeSearch {
 public:
  BpeSearch(const SentencePieceParts& parts, const PieceIndex& index, std::string_view text)
      : parts_(parts), index_(index), text_(text) {}

  std::vector<FoundPiece> run() {
    split();
    for (std::size_t k = 0; k + 1 < symbols_.size(); ++k) propose(static_cast<int>(k), static_cast<int>(k) + 1);
    while (!steps_.empty()) {
      const Step step = steps_.top();
      steps_.pop();
      merge(step);
    }
    std::vector<FoundPiece> found;
    for (int k = symbols_.empty() ? -1 : 0; k >= 0; k = at(k).next) resegment(at(k).text, found);
    return found;
  }

 private:
  struct Symbol {
    std::string_view text;  // empty: merged into another
    int previous;
    int next;
    bool frozen;
  };
  struct Step {
    int left;
    int right;
    float score;
    std::size_t size;
    bool operator<(const Step& other) const {
      return score < other.score || (score == other.score && left > other.left);
    }
  };

  Symbol& at(int k) { return symbols_[static_cast<std::size_t>(k)]; }

  void split() {
    for (std::size_t position = 0; position < text_.size();) {
      const std::size_t user_defined = index_.user_defined_prefix(text_.substr(position));
      const std::size_t size = user_defined > 0 ? user_defined : decode_character(text_, position).num_bytes;
      const int k = static_cast<int>(symbols_.size());
      symbols_.push_back({text_.substr(position, size), k - 1, k + 1, user_defined > 0});
      position += size;
    }
    if (!symbols_.empty()) symbols_.back().next = -1;
  }

  void propose(int left, int right) {
    if (left < 0 || right < 0 || at(left).frozen || at(right).frozen) return;
    const std::string_view joined(at(left).text.data(), at(left).text.size() + at(right).text.size());
    const std::optional<std::uint32_t> id = index_.find(joined);
    if (!id) return;
    steps_.push({left, right, parts_.pieces[*id].score, joined.size()});
    if (parts_.pieces[*id].type == PieceType::kUnused) halves_[joined] = at(left).text.size();
  }

  void merge(const Step& step) {
    Symbol& left = at(step.left);
    Symbol& right = at(step.right);
    if (left.text.empty() || right.text.empty() || left.text.size() + right.text.size() != step.size) return;
    left.text = {left.text.data(), step.size};
    left.next = right.next;
    if (right.next >= 0) at(right.next).previous = step.left;
    right.text = {};
    propose(left.previous, step.left);
    propose(step.left, left.next);
  }

  /// A piece that is not used is taken apart into what it was merged from.
  void resegment(std::string_view text, std::vector<FoundPiece>& found) {
    const std::optional<std::uint32_t> id = index_.find(text);
    const auto half = halves_.find(text);
    if (id && parts_.pieces[*id].type == PieceType::kUnused && half != halves_.end()) {
      resegment(text.substr(0, half->second), found);
      resegment(text.substr(half->second), found);
    } else {
      found.push_back({text, id.value_or(index_.unknown())});
    }
  }

  const SentencePieceParts& parts_;
  const PieceIndex& index_;
  std::string_view text_;
  std::vector<Symbol> symbols_;
  std::priority_queue<Step> steps_;
  std::unordered_map<std::string_view, std::size_t> halves_;
};

}  // namespace

std::vector<FoundPiece> find_bpe_pieces(const SentencePieceParts& parts, const PieceIndex& index,
                                        std::string_view text) {
  return BpeSearch(parts, index, text).run();
}

}  // namespace reprise::data
