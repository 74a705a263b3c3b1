#pragma once
// Counts the published numbers of a run's data again, from its kept, held-out and dropped documents.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/data_pipeline/tokenizer.h"

namespace reprise::data {

struct RecountDifference {
  std::string number;     // "rows: web/en/natural/dropped/gopher_word_count: documents", "dropped ID: value"
  std::string published;  // in report.json or beside the dropped document
  std::string counted;
};

struct Recount {
  std::uint64_t num_numbers = 0;  // compared
  std::vector<RecountDifference> differences;
  std::vector<std::string> not_counted;  // what the documents alone do not tell, and what would
};

/// Counts the rows of report.json again (tokens too, with `tokenizer`), and measures the rule of every dropped document
/// on its text. A duplicate must have the text of the survivor that it names. Throws kIo, kCorrupt (file, line, what),
/// kConfig for an unknown filter of `recipe`.
Recount recount(const std::filesystem::path& run, const configs::DataRecipe& recipe, const Tokenizer* tokenizer);

}  // namespace reprise::data
