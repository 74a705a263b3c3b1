#include "markup_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <vector>

#include "assembly_text.h"
#include "html_entities.h"
#include "markup_names.h"

namespace reprise::data {
namespace {

using Names = std::span<const std::string_view>;

constexpr std::size_t kNotFound = std::string_view::npos;
constexpr std::size_t kMinHtmlLine = 25, kMinXmlLine = 15, kMinTeiLine = 2;  // characters

constexpr std::array<std::string_view, 10> kLeftOut = {"script", "style", "svg",      "nav",    "header",
                                                       "footer", "head",  "noscript", "button", "select"};
constexpr std::array<std::string_view, 33> kBlocks = {
    "p",    "div",   "li",    "ul",   "ol",    "dl",      "dt",      "dd",   "h1",  "h2",         "h3",
    "h4",   "h5",    "h6",    "tr",   "table", "section", "article", "br",   "pre", "blockquote", "note",
    "item", "title", "steps", "list", "body",  "l",       "lg",      "head", "q",   "ab",         "hi-block"};

/// Takes whole elements out of a text, from left to right: "<name ...>...</name>". An element that is never closed
/// stays; that a name has no more closing tags is remembered, so that the work grows with the text alone.
class ElementRemover {
 public:
  ElementRemover(std::string_view text, Names names, ClosingSpace space)
      : text_(text), names_(names), space_(space), exhausted_(names.size(), false) {}

  /// Where the element that opens at `open` ends, or npos.
  std::size_t end_of_element(std::size_t open) {
    const std::optional<NameMatch> name = match_any_name(text_, open + 1, names_);
    if (!name || exhausted_[name->index]) return kNotFound;
    const std::size_t end = end_of_closing_tag(text_, name->end, names_[name->index], space_);
    exhausted_[name->index] = end == kNotFound;
    return end;
  }

 private:
  std::string_view text_;
  Names names_;
  ClosingSpace space_;
  std::vector<bool> exhausted_;
};

/// Copies `text` without the pieces that `end_of_piece` finds at a '<': it returns where the piece ends, or npos.
template <typename EndOfPiece>
std::string without_pieces(std::string_view text, const EndOfPiece& end_of_piece) {
  std::string out;
  out.reserve(text.size());
  std::size_t copied = 0;
  for (std::size_t open = text.find('<'); open != kNotFound;) {
    const std::size_t end = end_of_piece(open);
    if (end == kNotFound) {
      open = text.find('<', open + 1);
      continue;
    }
    out.append(text.substr(copied, open - copied));
    copied = end;
    open = text.find('<', end);
  }
  return out.append(text.substr(copied));
}

std::size_t end_of_comment(std::string_view text, std::size_t open) {
  if (text.compare(open, 4, "<!--") != 0) return kNotFound;
  const std::size_t end = text.find("-->", open + 4);
  return end == kNotFound ? kNotFound : end + 3;
}

std::string without_elements(std::string_view text, Names names) {
  ElementRemover remover(text, names, ClosingSpace::kNone);
  return without_pieces(text, [&](std::size_t open) { return remover.end_of_element(open); });
}

/// Tags of blocks become line feeds.
std::string break_blocks(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t copied = 0;
  for (std::size_t open = text.find('<'); open != kNotFound; open = text.find('<', std::max(open + 1, copied))) {
    const std::size_t name = open + 1 < text.size() && text[open + 1] == '/' ? open + 2 : open + 1;
    const std::optional<NameMatch> block = match_any_name(text, name, kBlocks);
    if (!block) continue;
    const std::size_t close = text.find('>', block->end);
    if (close == kNotFound) break;
    out.append(text.substr(copied, open - copied)) += '\n';
    copied = close + 1;
  }
  return out.append(text.substr(copied));
}

std::string page_text(std::string_view page, std::size_t min_characters) {
  ElementRemover remover(page, kLeftOut, ClosingSpace::kAllowed);
  const std::string content = without_pieces(page, [&](std::size_t open) {
    const std::size_t comment = end_of_comment(page, open);
    return comment != kNotFound ? comment : remover.end_of_element(open);
  });
  return clean_lines(resolve_html_entities(without_tags(break_blocks(collapse_space(content)))), min_characters);
}

/// From the first "<body" to the last "</body>"; the whole page when it has none.
std::string_view body_of(std::string_view page) {
  constexpr std::array<std::string_view, 1> kBody = {"body"};
  for (std::size_t open = page.find('<'); open != kNotFound; open = page.find('<', open + 1)) {
    if (!match_any_name(page, open + 1, kBody)) continue;
    for (std::size_t close = page.rfind("</"); close != kNotFound && close > open;
         close = page.rfind("</", close - 1)) {
      const std::size_t end = match_name(page, close + 2, "body");
      if (end != kNotFound && end < page.size() && page[end] == '>') return page.substr(open, end + 1 - open);
    }
  }
  return page;
}

/// A note, page break or milestone of TEI: an empty element, or for a note its content too.
std::size_t end_of_apparatus(std::string_view text, std::size_t open) {
  constexpr std::array<std::string_view, 3> kApparatus = {"note", "pb", "milestone"};
  const std::optional<NameMatch> name = match_any_name(text, open + 1, kApparatus);
  if (!name) return kNotFound;
  const std::size_t close = text.find('>', name->end);
  if (close != kNotFound && text[close - 1] == '/') return close + 1;
  return name->index == 0 ? end_of_closing_tag(text, name->end, "note", ClosingSpace::kNone) : kNotFound;
}

}  // namespace

std::string html_text(std::string_view page) { return page_text(page, kMinHtmlLine); }

std::string xml_text(std::string_view page) {
  constexpr std::array<std::string_view, 1> kInfo = {"info"};
  return page_text(without_elements(page, kInfo), kMinXmlLine);
}

std::string tei_text(std::string_view page) {
  const std::string_view body = body_of(page);
  return page_text(without_pieces(body, [&](std::size_t open) { return end_of_apparatus(body, open); }), kMinTeiLine);
}

std::string sword_text(std::string_view block) {
  constexpr std::array<std::string_view, 2> kApparatus = {"title", "note"};
  const std::string text = resolve_html_entities(without_tags(without_elements(block, kApparatus)));
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t';
    if (!blank) out += c;
    if (blank && (out.empty() || out.back() != ' ')) out += ' ';
  }
  return std::string(strip(out));
}

}  // namespace reprise::data
