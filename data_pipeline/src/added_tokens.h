#pragma once
// Finds the added tokens of a tokenizer.json in a text. Thread-safety: const use from several threads.

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::data {

/// An entry of "added_tokens".
struct AddedToken {
  std::uint32_t id = 0;
  std::string content;
  bool single_word = false;  // no word character may touch it
  bool lstrip = false;       // takes the white space on its left
  bool rstrip = false;       // and on its right
  bool normalized = false;   // is looked for, normalised, in the normalised text
  bool special = false;
  bool decodes_to_nothing = false;
};

/// A part of a text: a token, or text between tokens.
struct TextPart {
  std::string_view text;
  const AddedToken* token = nullptr;
};

/// Matches any of a list of tokens: the leftmost first, of several there the longest.
class AddedTokenMatcher {
 public:
  /// Keeps the pointers.
  explicit AddedTokenMatcher(const std::vector<const AddedToken*>& tokens);

  bool empty() const { return nodes_.size() == 1; }
  /// Whether no text has a match.
  bool is_idle(bool special) const { return empty() || (!special && !has_ordinary_); }

  /// Appends the parts of `text`. Special tokens count only with `special`; where they do not, their spelling is passed
  /// over as a whole.
  void split(std::string_view text, bool special, std::vector<TextPart>& parts) const;

 private:
  /// A node of the tree of spellings; children are a linked list.
  struct Node {
    std::uint8_t byte = 0;
    std::uint32_t child = 0;    // 0: none
    std::uint32_t sibling = 0;  // 0: none
    const AddedToken* token = nullptr;
  };
  struct Match {
    std::size_t begin;
    std::size_t end;
    const AddedToken* token;  // nullptr: none is left
  };

  std::uint32_t child_of(std::uint32_t node, char byte) const;
  void add(const AddedToken& token);
  Match next_match(std::string_view text, std::size_t position) const;

  std::vector<Node> nodes_;
  std::array<bool, 256> begins_token_{};
  bool has_ordinary_ = false;  // a token that is not special
  int only_begin_ = -1;        // the byte that all tokens begin with, where there is one; -2: several
};

}  // namespace reprise::data
