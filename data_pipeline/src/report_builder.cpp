#include "report_builder.h"

namespace reprise::data {

ReportRow& ReportBuilder::row(const Document& document, const std::string& split, const std::string& rule) {
  const Key key{document.source, document.language, document.kind, split, rule};
  ReportRow fresh{document.source, document.language, document.kind, split, rule, 0, 0, std::nullopt};
  return rows_.try_emplace(key, std::move(fresh)).first->second;
}

void ReportBuilder::add(const Document& document, const std::string& split, const std::string& rule) {
  add(document, split, rule, document.text.size());
}

void ReportBuilder::add(const Document& document, const std::string& split, const std::string& rule,
                        std::uint64_t num_bytes) {
  ReportRow& counts = row(document, split, rule);
  ++counts.num_documents;
  counts.num_bytes += num_bytes;
}

void ReportBuilder::add_tokens(const Document& document, const std::string& split, const std::string& rule,
                               std::uint64_t num_tokens) {
  ReportRow& counts = row(document, split, rule);
  counts.num_tokens = counts.num_tokens.value_or(0) + num_tokens;
}

void ReportBuilder::add_edits(const Edits& edits) {
  for (const auto& [rule, edit] : edits) {
    ReportEdit& sum = edits_.try_emplace(rule, ReportEdit{rule, 0, 0, 0}).first->second;
    ++sum.num_documents;
    sum.num_lines += edit.num_lines;
    sum.num_bytes += edit.num_bytes;
  }
}

void ReportBuilder::finish(Report& report) {
  for (auto& [key, row] : rows_) report.rows.push_back(std::move(row));
  for (auto& [rule, edit] : edits_) report.edits.push_back(std::move(edit));
}

}  // namespace reprise::data
