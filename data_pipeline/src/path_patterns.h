#pragma once
// Patterns over the paths of package members, as corpus recipes write them. Pure; thread-safe after construction.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::data {

/// Whether the whole of `path` fits: '*' is any run of characters, '/' too; '?' one character; [abc], [a-z] and [!a-z]
/// one of a set.
bool matches_glob(std::string_view path, std::string_view glob);

/// Takes a path that fits one glob at least and none of those that begin with '!'.
class PathFilter {
 public:
  /// `globs` are parted by spaces.
  explicit PathFilter(std::string_view globs);
  bool takes(std::string_view path) const;

 private:
  std::vector<std::string> taken_;
  std::vector<std::string> refused_;
};

/// A pattern that finds the language in a path, such as "locale/([^/]+)/": a subset of Python's regular expressions
/// with one group. Knows characters, '.', '\.', sets, '+', '?', '{2}' and "(?:...)" ; the first place that fits counts,
/// the longest repetition first.
class LanguagePattern {
 public:
  /// Throws kData for what it does not know.
  explicit LanguagePattern(std::string_view pattern);
  /// The text of the group, or "und" when nothing fits.
  std::string find(std::string_view path) const;

 private:
  struct Node {
    enum class Type : std::uint8_t { kCharacters, kOpenGroup, kCloseGroup, kOptional } type;
    std::string set{};       // of kCharacters: pairs of first and last character; empty takes any character
    bool negated = false;    // of kCharacters
    std::size_t least = 1;   // of kCharacters: repetitions
    bool more = false;       // of kCharacters: whether there may be more of them
    std::size_t behind = 0;  // of kOptional: the node behind the part that may be left out
  };
  struct Group {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  class Parser;
  static std::size_t end_of_character(const Node& node, std::string_view path, std::size_t at);
  bool match(std::size_t node, std::string_view path, std::size_t at, Group& group) const;
  bool match_characters(std::size_t node, std::string_view path, std::size_t at, Group& group) const;

  std::vector<Node> nodes_;
};

}  // namespace reprise::data
