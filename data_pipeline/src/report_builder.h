#pragma once
// Counts documents into the rows of a report.

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/filters.h"
#include "reprise/data_pipeline/report.h"

namespace reprise::data {

class ReportBuilder {
 public:
  void add(const Document& document, const std::string& split, const std::string& rule);
  /// The same for a document whose text is not at hand: it has `num_bytes`.
  void add(const Document& document, const std::string& split, const std::string& rule, std::uint64_t num_bytes);
  void add_tokens(const Document& document, const std::string& split, const std::string& rule,
                  std::uint64_t num_tokens);
  void add_edits(const Edits& edits);
  /// Moves rows and edits into `report`.
  void finish(Report& report);

 private:
  using Key = std::tuple<std::string, std::string, std::string, std::string, std::string>;
  ReportRow& row(const Document& document, const std::string& split, const std::string& rule);
  std::map<Key, ReportRow> rows_;
  std::map<std::string, ReportEdit> edits_;
};

}  // namespace reprise::data
