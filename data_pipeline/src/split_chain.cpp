#include "split_chain.h"

#include <algorithm>
#include <vector>

#include "text_normaliser.h"
#include "tokenizer_tables.h"

namespace reprise::data {
namespace {

using Visit = SplitChain::Visit;

bool is_numeric(std::uint32_t c) {
  static const std::vector<bool> numeric = [] {
    std::vector<bool> table(0x110000);
    for (const CodePointRange& range : numeric_ranges()) {
      std::fill(table.begin() + range.first, table.begin() + range.last + 1, true);
    }
    return table;
  }();
  return numeric[c];
}

void cut_at_digits(std::string_view text, bool each, const Visit& visit) {
  std::size_t begin = 0;
  bool inside = false;  // whether the piece from `begin` on is a number
  for (std::size_t position = 0; position < text.size();) {
    const Decoded character = decode_character(text, position);
    const bool numeric = is_numeric(character.code_point);
    if (position > begin && (numeric != inside || (numeric && each))) {
      visit(text.substr(begin, position - begin));
      begin = position;
    }
    inside = numeric;
    position += character.num_bytes;
  }
  if (begin < text.size()) visit(text.substr(begin));
}

void cut_at_literal(std::string_view text, const std::string& literal, SplitStep::Literal behaviour,
                    const Visit& visit) {
  const auto give = [&](std::size_t begin, std::size_t end) {
    if (end > begin) visit(text.substr(begin, end - begin));
  };
  std::size_t begin = 0;
  for (std::size_t place = text.find(literal); place != std::string_view::npos;
       place = text.find(literal, place + literal.size())) {
    const std::size_t after = place + literal.size();
    switch (behaviour) {
      case SplitStep::Literal::kRemoved:
        give(begin, place);
        begin = after;
        break;
      case SplitStep::Literal::kIsolated:
        give(begin, place);
        give(place, after);
        begin = after;
        break;
      case SplitStep::Literal::kMergedWithPrevious:
        give(begin, after);
        begin = after;
        break;
      case SplitStep::Literal::kMergedWithNext:
        give(begin, place);
        begin = place;
        break;
    }
  }
  give(begin, text.size());
}

}  // namespace

SplitChain::SplitChain(std::vector<SplitStep> steps) : steps_(std::move(steps)) {
  for (const SplitStep& step : steps_) {
    const bool numbers_only = step.pattern == Pattern::kNumberTriples || step.pattern == Pattern::kSingleNumbers;
    switch (step.kind) {
      case SplitStep::Kind::kPattern:
        may_be_cut_ |= !numbers_only;
        break;
      case SplitStep::Kind::kMetaspaceSplit:
        may_be_cut_ = true;
        break;
      case SplitStep::Kind::kDigits:
      case SplitStep::Kind::kPrefixSpace:
        break;
      case SplitStep::Kind::kLiteral:  // a literal may hold a space
      case SplitStep::Kind::kMetaspace:
        may_be_cut_ = false;
        return;
    }
  }
}

std::size_t SplitChain::next_cut(std::string_view text, std::size_t position) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  for (; position < text.size(); ++position) {
    if (text[position] == ' ' && is_letter(text[position - 1])) return position;
  }
  return text.size();
}

void SplitChain::cut(std::string_view text, bool at_start, std::size_t index, const Visit& visit) const {
  if (text.empty()) return;
  if (index == steps_.size()) return visit(text);
  const SplitStep& step = steps_[index];
  const Visit next = [&](std::string_view piece) {
    cut(piece, at_start && piece.data() == text.data(), index + 1, visit);
  };
  switch (step.kind) {
    case SplitStep::Kind::kPattern:
      return cut_by_pattern(text, step.pattern, next);
    case SplitStep::Kind::kDigits:
      return cut_at_digits(text, step.each, next);
    case SplitStep::Kind::kLiteral:
      return cut_at_literal(text, step.literal, step.behaviour, next);
    case SplitStep::Kind::kPrefixSpace:
      if (text.front() == ' ') return cut(text, at_start, index + 1, visit);
      return cut(std::string(" ").append(text), at_start, index + 1, visit);
    case SplitStep::Kind::kMetaspace:
    case SplitStep::Kind::kMetaspaceSplit: {
      std::string changed = replace_all(text, " ", step.literal);
      const bool prepend =
          step.prepend == SplitStep::Prepend::kAlways || (step.prepend == SplitStep::Prepend::kFirst && at_start);
      if (prepend && !changed.starts_with(step.literal)) changed.insert(0, step.literal);
      if (step.kind == SplitStep::Kind::kMetaspace) return cut(changed, at_start, index + 1, visit);
      return cut_at_literal(changed, step.literal, SplitStep::Literal::kMergedWithNext, [&](std::string_view piece) {
        cut(piece, at_start && piece.data() == changed.data(), index + 1, visit);
      });
    }
  }
}

}  // namespace reprise::data
