// Pieces of a normalised text: the most likely ones (unigram), or by merges (BPE).

#include <algorithm>
#include <queue>

#include "sentencepiece_parts.h"
#include "token_decoder.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

constexpr float kUnknownPenalty = 10;

struct ScoreRange {
  float lowest = 0;
  float highest = 0;
};

/// Of the normal pieces.
ScoreRange score_range(const std::vector<ScoredPiece>& pieces) {
  bool first = true;
  ScoreRange range;
  for (const ScoredPiece& piece : pieces) {
    if (piece.type != PieceType::kNormal) continue;
    range.lowest = first ? piece.score : std::min(range.lowest, piece.score);
    range.highest = first ? piece.score : std::max(range.highest, piece.score);
    first = false;
  }
  return range;
}

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

/// Viterbi over the bytes. Sums are float, and a candidate is compared before it is rounded, as the reference does:
/// ties and near ties fall as they fall there.
std::vector<FoundPiece> find_unigram_pieces(const SentencePieceParts& parts, const PieceIndex& index,
                                            std::string_view text) {
  struct Node {
    float score = 0;
    std::uint32_t id = 0;
    std::size_t begin = 0;
    bool reached = false;
  };
  const ScoreRange range = score_range(parts.pieces);
  std::vector<Node> ends(text.size() + 1);
  const auto offer = [&](std::size_t begin, std::size_t end, std::uint32_t id, double score) {
    Node& node = ends[end];
    if (node.reached && !(score > static_cast<double>(node.score))) return;
    node = {static_cast<float>(score), id, begin, true};
  };
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t character = decode_character(text, begin).num_bytes;
    const float so_far = ends[begin].score;
    bool has_character = false;
    for (std::size_t size = 1; size <= std::min(index.longest_piece(), text.size() - begin); ++size) {
      const std::optional<std::uint32_t> id = index.find(text.substr(begin, size));
      if (!id || parts.pieces[*id].type == PieceType::kUnused) continue;
      const bool user_defined = parts.pieces[*id].type == PieceType::kUserDefined;
      const double score = user_defined ? static_cast<double>(static_cast<float>(size) * range.highest) - 0.1
                                        : static_cast<double>(parts.pieces[*id].score);
      offer(begin, begin + size, *id, score + static_cast<double>(so_far));
      has_character = has_character || size == character;
    }
    if (!has_character) {
      const float unknown = range.lowest - kUnknownPenalty;
      offer(begin, begin + character, index.unknown(), static_cast<double>(unknown + so_far));
    }
    begin += character;
  }
  std::vector<FoundPiece> found;
  for (std::size_t end = text.size(); end > 0; end = ends[end].begin) {
    found.push_back({text.substr(ends[end].begin, end - ends[end].begin), ends[end].id});
  }
  std::reverse(found.begin(), found.end());
  return found;
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
