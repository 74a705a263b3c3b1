#include "example_sentences.h"

#include <fmt/core.h>

#include <algorithm>

#include "assembly_text.h"
#include "reprise/core/error.h"

namespace reprise::data {
namespace {

class Scanner {
 public:
  Scanner(std::string_view program, std::string_view path) : text_(program), path_(path) {}

  std::vector<std::string> run() {
    std::vector<std::string> lists;
    while (at_ < text_.size()) {
      const bool statement = at_ == 0 || text_[at_ - 1] == '\n';
      if (statement && begins_list()) {
        lists.push_back(read_list());
      } else if (text_[at_] == '#') {
        skip_comment();
      } else if (text_[at_] == '"' || text_[at_] == '\'') {
        read_string();
      } else {
        ++at_;
      }
    }
    return lists;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
    throw Error(ErrorKind::kData, fmt::format("cannot read example sentences: {}:{}: {}", path_, line, what),
                "the extractor `spacy` reads `sentences = [\"...\", ...]` of plain string literals");
  }

  void skip_comment() { at_ = std::min(text_.find('\n', at_), text_.size()); }

  bool begins_list() {
    constexpr std::string_view kName = "sentences";
    if (!text_.substr(at_).starts_with(kName)) return false;
    std::size_t at = text_.find_first_not_of(" \t", at_ + kName.size());
    if (at == std::string_view::npos || text_[at] != '=') return false;
    at = text_.find_first_not_of(" \t", at + 1);
    if (at == std::string_view::npos || text_[at] != '[') return false;
    at_ = at + 1;
    return true;
  }

  /// Behind the '[': strings with commas between them.
  std::string read_list() {
    std::string lines;
    std::string item;
    bool has_item = false;
    bool first = true;
    const auto end_item = [&] {
      if (!has_item) return;
      if (!first) lines += '\n';
      lines += item;
      first = has_item = false;
      item.clear();
    };
    for (; at_ < text_.size();) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        item += read_string();
        has_item = true;
      } else if (c == '#') {
        skip_comment();
      } else if (c == ',' || c == ']') {
        ++at_;
        end_item();
        if (c == ']') return lines;
      } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
        ++at_;
      } else {
        fail(fmt::format("unexpected {:?} in the list", std::string_view(&c, 1)));
      }
    }
    fail("the list does not end");
  }

  /// A literal at a quote, single or triple; moves behind it.
  std::string read_string() {
    const std::string triple(3, text_[at_]);
    const std::string quote = text_.substr(at_).starts_with(triple) ? triple : triple.substr(0, 1);
    at_ += quote.size();
    std::string value;
    while (!text_.substr(at_).starts_with(quote)) {
      if (at_ >= text_.size() || (quote.size() == 1 && text_[at_] == '\n')) fail("a string does not end");
      if (text_[at_] != '\\') {
        value += text_[at_++];
        continue;
      }
      append_escape(value);
    }
    at_ += quote.size();
    return value;
  }

  void append_escape(std::string& value) {
    const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    at_ += 2;
    switch (c) {
      case '\n':
        return;
      case '\\':
      case '\'':
      case '"':
        value += c;
        return;
      case 'n':
        value += '\n';
        return;
      case 't':
        value += '\t';
        return;
      case 'r':
        value += '\r';
        return;
      default:
        fail(fmt::format("escape \\{} is not known", c));
    }
  }

  std::string_view text_;
  std::string_view path_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<std::string> example_sentences(std::string_view program, std::string_view path) {
  return Scanner(program, path).run();
}

}  // namespace reprise::data
