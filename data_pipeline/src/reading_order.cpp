#include "reprise/data_pipeline/reading_order.h"

#include <fmt/core.h>

#include <algorithm>

#include "reprise/core/error.h"

namespace reprise::data {

ReadingOrder::ReadingOrder(const TokenSet& tokens, const ReadingPlan& plan)
    : tokens_(tokens), plan_(plan), order_(plan.seed, tokens.num_sequences(plan.sequence_length)) {
  REPRISE_CHECK(plan.batch_sequences > 0);
}

std::vector<DocumentPart> ReadingOrder::parts_of(std::uint64_t sequence) const {
  const std::uint64_t begin = sequence * plan_.sequence_length;
  const std::uint64_t end = begin + plan_.sequence_length + 1;
  std::vector<DocumentPart> parts;
  for (const std::size_t index : tokens_.documents_of(sequence, plan_.sequence_length)) {
    const DocumentSpan& document = tokens_.documents()[index];
    const std::uint64_t first = std::max(begin, document.first_token);
    const std::uint64_t last = std::min(end, document.first_token + document.num_tokens + 1);
    parts.push_back({index, first - document.first_token, last - first, static_cast<std::uint32_t>(first - begin)});
  }
  return parts;
}

std::vector<SampleContent> ReadingOrder::batch(std::uint64_t step, std::optional<std::uint32_t> sample) const {
  REPRISE_REQUIRE(step >= 1 && step <= plan_.num_steps, ErrorKind::kUsage, fmt::format("there is no step {}", step),
                  fmt::format("the run has the steps 1 to {}", plan_.num_steps));
  REPRISE_REQUIRE(!sample || *sample < plan_.batch_sequences, ErrorKind::kUsage,
                  fmt::format("there is no sample {}", sample.value_or(0)),
                  fmt::format("a batch has the samples 0 to {}", plan_.batch_sequences - 1));
  const std::uint64_t num_sequences = tokens_.num_sequences(plan_.sequence_length);
  std::vector<SampleContent> contents;
  const std::uint32_t first = sample.value_or(0);
  const std::uint32_t last = sample ? first + 1 : plan_.batch_sequences;
  for (std::uint32_t i = first; i < last; ++i) {
    const std::uint64_t ordinal = (step - 1) * plan_.batch_sequences + i;
    const std::uint64_t sequence = order_.sequence_at(ordinal);
    contents.push_back({i, ordinal / num_sequences, sequence, parts_of(sequence)});
  }
  return contents;
}

std::vector<Visit> ReadingOrder::visits(std::size_t index) const {
  const DocumentSpan& document = tokens_.documents().at(index);
  const std::uint64_t length = plan_.sequence_length;
  const std::uint64_t num_sequences = tokens_.num_sequences(plan_.sequence_length);
  const std::uint64_t num_samples = plan_.num_steps * plan_.batch_sequences;
  // A token at a multiple of the length is the last target of one sequence and the first input of the next.
  const std::uint64_t first = document.first_token == 0 ? 0 : (document.first_token - 1) / length;
  const std::uint64_t last = (document.first_token + document.num_tokens) / length;
  std::vector<Visit> visits;
  for (std::uint64_t sequence = first; sequence <= last && sequence < num_sequences; ++sequence) {
    std::vector<DocumentPart> parts = parts_of(sequence);
    std::erase_if(parts, [&](const DocumentPart& part) { return part.document != index; });
    for (std::uint64_t epoch = 0; epoch * num_sequences < num_samples; ++epoch) {
      const std::uint64_t ordinal = order_.sample_of(sequence, epoch);
      if (ordinal >= num_samples) continue;
      const auto sample = static_cast<std::uint32_t>(ordinal % plan_.batch_sequences);
      visits.push_back({ordinal / plan_.batch_sequences + 1, {sample, epoch, sequence, parts}});
    }
  }
  std::sort(visits.begin(), visits.end(), [](const Visit& a, const Visit& b) {
    return std::pair(a.step, a.content.sample) < std::pair(b.step, b.content.sample);
  });
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
