#include "reprise/data_pipeline/document_groups.h"

#include <fmt/core.h>

#include <algorithm>

#include "reprise/core/error.h"

namespace reprise::data {
namespace {

bool takes(const configs::DocumentGroup& group, const DocumentSpan& document) {
  const auto one_of = [](const auto& values, const auto& matches) {
    return values.empty() || std::any_of(values.begin(), values.end(), matches);
  };
  return one_of(group.source(), [&](const std::string& s) { return matches_pattern(s, document.source); }) &&
         one_of(group.language(), [&](const std::string& l) { return l == document.language; }) &&
         one_of(group.kind(), [&](const std::string& k) { return k == document.kind; });
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) {
  // Going back to the last '*' alone is enough: what an earlier one takes more, this one can take too.
  std::size_t p = 0, t = 0, star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

DocumentGroups::DocumentGroups(const TokenSet& tokens, const configs::TrainRecipe& recipe)
    : tokens_(tokens), length_(recipe.sequence_length()) {
  REPRISE_CHECK(length_ > 0);
  for (const configs::DocumentGroup& group : recipe.group()) groups_.emplace_back().name = group.name();
  if (groups_.empty()) groups_.emplace_back();
  assign(recipe);
  for (std::size_t document = 0; document < tokens.documents().size(); ++document) {
    Group& group = groups_[group_of_[document]];
    group.documents.push_back(document);
    group.starts.push_back(group.starts.back() + tokens.documents()[document].num_tokens + 1);
  }
}

void DocumentGroups::assign(const configs::TrainRecipe& recipe) {
  const std::vector<DocumentSpan>& documents = tokens_.documents();
  group_of_.resize(documents.size());
  if (recipe.group_size() == 0) return;
  std::size_t num_left = 0;
  const DocumentSpan* first_left = nullptr;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const auto found = std::find_if(recipe.group().begin(), recipe.group().end(),
                                    [&](const auto& group) { return takes(group, documents[i]); });
    group_of_[i] = static_cast<std::uint32_t>(found - recipe.group().begin());
    if (found != recipe.group().end()) continue;
    ++num_left;
    if (first_left == nullptr) first_left = &documents[i];
  }
  if (first_left == nullptr) return;
  throw Error(
      ErrorKind::kData,
      fmt::format("{} of {} documents belong to no group of the recipe; the first is '{}' (source '{}', language "
                  "'{}', kind '{}')",
                  num_left, documents.size(), first_left->id, first_left->source, first_left->language,
                  first_left->kind),
      "add a last group without conditions, such as group { name: \"rest\" }; no stage needs to read it");
}

std::uint64_t DocumentGroups::num_sequences(std::size_t group) const {
  return num_tokens(group) == 0 ? 0 : (num_tokens(group) - 1) / length_;
}

std::vector<DocumentPart> DocumentGroups::parts(std::size_t index, std::uint64_t sequence) const {
  REPRISE_CHECK(sequence < num_sequences(index));
  const Group& group = groups_[index];
  const std::uint64_t begin = sequence * length_;
  const std::uint64_t end = begin + length_ + 1;
  // The document that holds a token is the last that starts at or before it.
  auto k = static_cast<std::size_t>(std::upper_bound(group.starts.begin(), group.starts.end(), begin) -
                                    group.starts.begin() - 1);
  std::vector<DocumentPart> parts;
  for (; group.starts[k] < end && k < group.documents.size(); ++k) {
    const std::uint64_t first = std::max(begin, group.starts[k]);
    const std::uint64_t last = std::min(end, group.starts[k + 1]);
    parts.push_back(
        {group.documents[k], first - group.starts[k], last - first, static_cast<std::uint32_t>(first - begin)});
  }
  return parts;
}

void DocumentGroups::read(std::size_t group, std::uint64_t sequence, std::int32_t* inputs,
                          std::int32_t* targets) const {
  for (const DocumentPart& part : parts(group, sequence)) {
    const std::uint64_t first = tokens_.documents()[part.document].first_token + part.first_token;
    for (std::uint64_t i = 0; i < part.num_tokens; ++i) {
      const std::int32_t token = tokens_.tokens()[first + i];
      const std::uint64_t position = part.position + i;
      if (position < length_) inputs[position] = token;
      if (position > 0) targets[position - 1] = token;
    }
  }
}

DocumentGroups::Range DocumentGroups::sequences_of(std::size_t document) const {
  const Group& group = groups_[group_of_.at(document)];
  const auto k = static_cast<std::size_t>(std::lower_bound(group.documents.begin(), group.documents.end(), document) -
                                          group.documents.begin());
  const std::uint64_t last_token = group.starts[k + 1] - 1;
  // A token at a multiple of the length is the last target of one sequence and the first input of the next.
  const std::uint64_t begin = group.starts[k] == 0 ? 0 : (group.starts[k] - 1) / length_;
  return {begin, std::min(last_token / length_ + 1, num_sequences(group_of_[document]))};
}

}  // namespace reprise::data
