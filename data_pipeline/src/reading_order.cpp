#include "reprise/data_pipeline/reading_order.h"

#include <fmt/core.h>

#include <algorithm>

#include "reprise/core/error.h"

namespace reprise::data {
namespace {

std::vector<std::uint64_t> sequences_by_group(const DocumentGroups& groups) {
  std::vector<std::uint64_t> counts;
  for (std::size_t group = 0; group < groups.size(); ++group) counts.push_back(groups.num_sequences(group));
  return counts;
}

}  // namespace

ReadingOrder::ReadingOrder(const TokenSet& tokens, const configs::Recipe& recipe, DataStart start)
    : tokens_(tokens),
      plan_(recipe.train()),
      num_steps_(recipe.train().num_steps()),
      start_(start),
      offset_(start.sample - plan_.first_sample(start.step + 1)),
      groups_(tokens, recipe.train()),
      mixture_(recipe, sequences_by_group(groups_), start) {
  REPRISE_CHECK(start_.step < num_steps_);
}

void ReadingOrder::read_sample(std::uint64_t ordinal, std::int32_t* inputs, std::int32_t* targets) const {
  const SamplePlace place = mixture_.place(ordinal);
  groups_.read(place.group, place.sequence, inputs, targets);
}

SampleContent ReadingOrder::content(std::uint64_t ordinal) const {
  const SamplePlace place = mixture_.place(ordinal);
  const std::uint64_t first = first_sample(step_of(ordinal));
  return {static_cast<std::uint32_t>(ordinal - first), place, groups_.parts(place.group, place.sequence)};
}

std::vector<SampleContent> ReadingOrder::batch(std::uint64_t step, std::optional<std::uint32_t> sample) const {
  REPRISE_REQUIRE(step > start_.step && step <= num_steps_, ErrorKind::kUsage, fmt::format("there is no step {}", step),
                  fmt::format("the run has the steps {} to {}{}", start_.step + 1, num_steps_,
                              start_.step > 0 ? "; those before are its parent's" : ""));
  const std::uint32_t sequences = plan_.sequences(step);
  REPRISE_REQUIRE(!sample || *sample < sequences, ErrorKind::kUsage,
                  fmt::format("there is no sample {}", sample.value_or(0)),
                  fmt::format("the batch of step {} has the samples 0 to {}", step, sequences - 1));
  std::vector<SampleContent> contents;
  const std::uint32_t first = sample.value_or(0);
  const std::uint32_t last = sample ? first + 1 : sequences;
  for (std::uint32_t i = first; i < last; ++i) contents.push_back(content(first_sample(step) + i));
  return contents;
}

std::vector<Visit> ReadingOrder::visits(std::size_t document) const {
  const std::size_t group = groups_.group_of(document);
  const DocumentGroups::Range range = groups_.sequences_of(document);
  std::vector<std::uint64_t> ordinals;
  for (std::uint64_t sequence = range.begin; sequence < range.end; ++sequence) {
    const std::vector<std::uint64_t> more = mixture_.samples_of(group, sequence);
    ordinals.insert(ordinals.end(), more.begin(), more.end());
  }
  std::sort(ordinals.begin(), ordinals.end());
  std::vector<Visit> visits;
  for (const std::uint64_t ordinal : ordinals) {
    if (ordinal < start_.sample) continue;  // read by the parent, if at all
    visits.push_back({step_of(ordinal), content(ordinal)});
    std::erase_if(visits.back().content.parts, [&](const DocumentPart& part) { return part.document != document; });
  }
  return visits;
}

std::optional<std::size_t> ReadingOrder::find(std::string_view id) const {
  const std::vector<DocumentSpan>& documents = tokens_.documents();
  const auto found =
      std::find_if(documents.begin(), documents.end(), [&](const DocumentSpan& document) { return document.id == id; });
  if (found == documents.end()) return std::nullopt;
  return static_cast<std::size_t>(found - documents.begin());
}

}  // namespace reprise::data
