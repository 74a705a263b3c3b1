#pragma once
// A document on its way through a build, and what became of it; also as a temporary record whose key is the id.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/core/hash.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/decontamination.h"
#include "reprise/data_pipeline/filters.h"

namespace reprise::data {

struct Candidate {
  Document document;
  Digest text_read;  // SHA-256 of the text as it came
  std::optional<Drop> drop;
  std::string survivor;
  Edits edits;
  std::uint64_t num_bytes_read = 0;
  std::uint64_t num_bytes_normalised = 0;
};

/// Everything but the id. document.url is left out: no step behind the filters needs it.
std::string candidate_record(const Candidate& candidate);
Candidate parse_candidate(std::string_view id, std::string_view record);

/// What is decided about all documents together: a candidate without its text, and what was measured in the text. Of
/// one that was dropped before, the text's size alone.
struct Measured {
  Candidate candidate;
  std::uint64_t num_bytes = 0;
  Digest text;
  std::vector<std::uint32_t> signature;
  Overlap overlap;
};

std::string measured_record(const Measured& measured);
Measured parse_measured(std::string_view id, std::string_view record);

}  // namespace reprise::data
