#include "markup_names.h"

#include "assembly_text.h"

namespace reprise::data {
namespace {

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::size_t match_name(std::string_view text, std::size_t position, std::string_view name) {
  if (text.size() - position < name.size()) return std::string_view::npos;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (to_lower(text[position + i]) != name[i]) return std::string_view::npos;
  }
  return position + name.size();
}

std::optional<NameMatch> match_any_name(std::string_view text, std::size_t position,
                                        std::span<const std::string_view> names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::size_t end = match_name(text, position, names[i]);
    if (end != std::string_view::npos && !word_at(text, end)) return NameMatch{i, end};
  }
  return std::nullopt;
}

std::size_t end_of_closing_tag(std::string_view text, std::size_t position, std::string_view name, ClosingSpace space) {
  for (std::size_t start = text.find("</", position); start != std::string_view::npos;
       start = text.find("</", start + 2)) {
    std::size_t end = match_name(text, start + 2, name);
    if (end == std::string_view::npos) continue;
    if (space == ClosingSpace::kAllowed) end = skip_space(text, end);
    if (end < text.size() && text[end] == '>') return end + 1;
  }
  return std::string_view::npos;
}

std::string without_tags(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t at = 0;
  for (std::size_t open = text.find('<'); open != std::string_view::npos; open = text.find('<', at)) {
    const std::size_t close = text.find('>', open);
    if (close == std::string_view::npos) break;
    out.append(text.substr(at, open - at));
    at = close + 1;
  }
  return out.append(text.substr(at));
}

}  // namespace reprise::data
