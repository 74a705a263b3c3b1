#pragma once
// Filters over files, outside of a run: what every rule says about every document.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reprise/data_pipeline/filters.h"
#include "reprise/data_pipeline/language_labels.h"
#include "reprise/data_pipeline/url_lists.h"

namespace reprise::data {

/// What comes before the chain: the text is in the wanted language, by stored labels.
struct LanguageCondition {
  LanguageLabels* labels = nullptr;
  const LanguageDetector* detector = nullptr;  // labels texts that have none; nullptr: that is an error
  std::string language = "en";
  double min_share = 0.65;  // of the text, as FineWeb's and DCLM's threshold for the score of fastText
};

struct FilterFilesOptions {
  std::vector<std::filesystem::path> files;  // documents, as configs::is_input_name() says; any other is one text
  bool explain = false;
  std::uint64_t max_line_bytes = std::uint64_t{32} << 20;
  const UrlLists* url_lists = nullptr;  // judge the address first
  std::optional<LanguageCondition> language = {};
};

struct FilterCounts {
  std::uint64_t num_kept = 0;
  std::uint64_t num_dropped = 0;
  std::map<std::string, std::uint64_t> dropped_by;  // rule: documents
};

/// Normalises each document (v1) and judges it, in the order of the files. `visit` gets the document with the text as
/// it was left. Throws kData (file, line, what; a text without a label), kIo.
FilterCounts filter_files(const FilterChain& chain, const FilterFilesOptions& options,
                          const std::function<void(const Document&, const Judgement&)>& visit);

/// One document and its verdict as lines for people, and as one line of JSON. Both end with a line feed.
std::string judgement_text(const Document& document, const Judgement& judgement);
std::string judgement_json(const Document& document, const Judgement& judgement);

}  // namespace reprise::data
