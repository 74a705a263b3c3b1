#include "path_patterns.h"

#include <fmt/core.h>

#include <algorithm>

#include "reprise/core/error.h"

namespace reprise::data {
namespace {

constexpr std::size_t kNoMatch = std::string_view::npos;

/// Bytes of the character at `at`, of UTF-8 or a single byte.
std::size_t character_size(std::string_view text, std::size_t at) {
  std::size_t size = 1;
  if (static_cast<unsigned char>(text[at]) < 0xC0) return size;
  while (at + size < text.size() && (static_cast<unsigned char>(text[at + size]) & 0xC0) == 0x80) ++size;
  return size;
}

/// `set` holds pairs of first and last character.
bool in_set(std::string_view set, char c) {
  for (std::size_t i = 0; i + 1 < set.size(); i += 2) {
    if (set[i] <= c && c <= set[i + 1]) return true;
  }
  return false;
}

/// Reads "a-z_]" behind a '['. Returns where it ends, or kNoMatch when the ']' is missing.
std::size_t read_set(std::string_view pattern, std::size_t at, std::string& set) {
  for (const std::size_t first = at; at < pattern.size(); ++at) {
    if (pattern[at] == ']' && at > first) return at + 1;
    const bool range = at + 2 < pattern.size() && pattern[at + 1] == '-' && pattern[at + 2] != ']';
    set += {pattern[at], pattern[range ? at + 2 : at]};
    if (range) at += 2;
  }
  return kNoMatch;
}

/// Fits one character of the path against the part of a glob at `at`, which is no '*'. Returns where the part ends, or
/// kNoMatch.
std::size_t match_part(std::string_view glob, std::size_t at, char c) {
  if (glob[at] == '?') return at + 1;
  if (glob[at] == '[') {
    const bool negated = at + 1 < glob.size() && glob[at + 1] == '!';
    std::string set;
    const std::size_t end = read_set(glob, at + (negated ? 2 : 1), set);
    if (end != kNoMatch) return in_set(set, c) != negated ? end : kNoMatch;
  }
  return glob[at] == c ? at + 1 : kNoMatch;
}

}  // namespace

bool matches_glob(std::string_view path, std::string_view glob) {
  std::size_t at = 0, part = 0;
  std::size_t star = kNoMatch, star_at = 0;  // behind the last '*', and where the path went on from there
  while (at < path.size()) {
    if (part < glob.size() && glob[part] == '*') {
      star = ++part;
      star_at = at;
      continue;
    }
    const std::size_t next = part < glob.size() ? match_part(glob, part, path[at]) : kNoMatch;
    if (next != kNoMatch) {
      at += glob[part] == '?' || glob[part] == '[' ? character_size(path, at) : 1;
      part = next;
    } else if (star != kNoMatch) {
      part = star;
      at = star_at += character_size(path, star_at);
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', part) == std::string_view::npos;
}

PathFilter::PathFilter(std::string_view globs) {
  while (!globs.empty()) {
    const std::size_t end = std::min(globs.find(' '), globs.size());
    const std::string_view glob = globs.substr(0, end);
    if (glob.starts_with('!')) {
      refused_.emplace_back(glob.substr(1));
    } else if (!glob.empty()) {
      taken_.emplace_back(glob);
    }
    globs.remove_prefix(std::min(end + 1, globs.size()));
  }
}

bool PathFilter::takes(std::string_view path) const {
  const auto fits = [&](const std::string& glob) { return matches_glob(path, glob); };
  return std::any_of(taken_.begin(), taken_.end(), fits) && std::none_of(refused_.begin(), refused_.end(), fits);
}

class LanguagePattern::Parser {
 public:
  Parser(std::string_view pattern, std::vector<Node>& nodes) : pattern_(pattern), nodes_(nodes) {}

  void run() {
    std::size_t groups = 0;
    std::vector<std::size_t> open;  // nodes of groups that are not closed yet
    while (at_ < pattern_.size()) {
      if (take("(?:")) {
        open.push_back(nodes_.size());
        nodes_.push_back({Node::Type::kOptional});
      } else if (take("(")) {
        open.push_back(nodes_.size());
        nodes_.push_back({Node::Type::kOpenGroup});
        ++groups;
      } else if (take(")")) {
        if (open.empty()) fail("a ')' without its '('");
        close(open.back());
        open.pop_back();
      } else {
        read_characters();
      }
    }
    if (groups != 1 || !open.empty()) fail("it needs one group in round brackets");
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw Error(ErrorKind::kData, fmt::format("unknown language pattern: {:?} at {}: {}", pattern_, at_, what),
                "characters, '.', '\\.', sets, '+', '?', '{2}', \"(?:...)?\" and one group are known");
  }

  bool take(std::string_view part) {
    if (!pattern_.substr(at_).starts_with(part)) return false;
    at_ += part.size();
    return true;
  }

  void close(std::size_t node) {
    if (nodes_[node].type == Node::Type::kOpenGroup) {
      nodes_.push_back({Node::Type::kCloseGroup});
      return;
    }
    if (!take("?")) fail("\"(?:...)\" needs a '?' behind it");
    nodes_[node].behind = nodes_.size();
  }

  void read_characters() {
    Node node{Node::Type::kCharacters};
    if (take("[")) {
      node.negated = take("^");
      at_ = read_set(pattern_, at_, node.set);
      if (at_ == kNoMatch) {
        at_ = pattern_.size();
        fail("a '[' without its ']'");
      }
    } else if (!take(".")) {
      take("\\");
      if (at_ >= pattern_.size() || std::string_view("+?*{}|^$").find(pattern_[at_]) != kNoMatch) fail("not known");
      node.set = {pattern_[at_], pattern_[at_]};
      ++at_;
    }
    read_repetition(node);
    nodes_.push_back(std::move(node));
  }

  void read_repetition(Node& node) {
    node.more = take("+");
    if (!take("{")) return;
    if (at_ + 1 >= pattern_.size() || pattern_[at_] < '1' || pattern_[at_] > '9' || pattern_[at_ + 1] != '}') {
      fail("\"{N}\" takes one digit");
    }
    node.least = static_cast<std::size_t>(pattern_[at_] - '0');
    at_ += 2;
  }

  std::string_view pattern_;
  std::vector<Node>& nodes_;
  std::size_t at_ = 0;
};

LanguagePattern::LanguagePattern(std::string_view pattern) { Parser(pattern, nodes_).run(); }

std::string LanguagePattern::find(std::string_view path) const {
  for (std::size_t start = 0; start <= path.size(); ++start) {
    Group group;
    if (match(0, path, start, group)) return std::string(path.substr(group.begin, group.end - group.begin));
  }
  return "und";
}

/// Where the character at `at` ends when `node` takes it; kNoMatch when it does not.
std::size_t LanguagePattern::end_of_character(const Node& node, std::string_view path, std::size_t at) {
  if (at >= path.size()) return kNoMatch;
  if (!node.set.empty() && in_set(node.set, path[at]) == node.negated) return kNoMatch;
  return at + character_size(path, at);
}

bool LanguagePattern::match(std::size_t node, std::string_view path, std::size_t at, Group& group) const {
  if (node == nodes_.size()) return true;
  switch (nodes_[node].type) {
    case Node::Type::kCharacters:
      return match_characters(node, path, at, group);
    case Node::Type::kOpenGroup:
      group.begin = at;
      return match(node + 1, path, at, group);
    case Node::Type::kCloseGroup:
      group.end = at;
      return match(node + 1, path, at, group);
    case Node::Type::kOptional:
      return match(node + 1, path, at, group) || match(nodes_[node].behind, path, at, group);
  }
  return false;
}

bool LanguagePattern::match_characters(std::size_t node, std::string_view path, std::size_t at, Group& group) const {
  std::vector<std::size_t> ends;
  for (std::size_t end = at; (end = end_of_character(nodes_[node], path, end)) != kNoMatch;) {
    ends.push_back(end);
    if (!nodes_[node].more && ends.size() == nodes_[node].least) break;
  }
  for (; ends.size() >= nodes_[node].least && !ends.empty(); ends.pop_back()) {
    if (match(node + 1, path, ends.back(), group)) return true;
  }
  return false;
}

}  // namespace reprise::data
