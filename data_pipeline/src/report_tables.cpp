// The report as tables for people.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "reprise/core/printable.h"
#include "reprise/data_pipeline/report.h"

namespace reprise::data {
namespace {

using Cells = std::vector<std::string>;

/// Rows of cells with columns as wide as their widest cell; the first column is flush left, the others flush right.
std::string format_table(const std::string& title, std::vector<Cells> rows) {
  for (Cells& row : rows) row[0] = printable(row[0]);
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const Cells& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text = title + "\n";
  for (const Cells& row : rows) {
    std::string line = "  " + fmt::format("{:<{}}", row[0], widths[0]);
    for (std::size_t i = 1; i < row.size(); ++i) line += fmt::format("  {:>{}}", row[i], widths[i]);
    text += line + "\n";
  }
  return text + "\n";
}

void append_total(Cells& cells, const ReportTotal& total, bool with_tokens) {
  cells.push_back(fmt::format("{}", total.num_documents));
  cells.push_back(fmt::format("{}", total.num_bytes));
  if (with_tokens) cells.push_back(total.num_tokens ? fmt::format("{}", *total.num_tokens) : "-");
}

bool has_tokens(const Report& report) {
  return std::any_of(report.rows.begin(), report.rows.end(),
                     [](const ReportRow& row) { return row.num_tokens.has_value(); });
}

constexpr std::array<const char*, 3> kSplits = {"train", "held_out", "dropped"};

std::string axis_table(const Report& report, ReportAxis axis, const std::string& title) {
  const bool tokens = has_tokens(report);
  Cells head = {""};
  for (const std::string split : kSplits) {
    head.push_back(split + " docs");
    head.emplace_back("bytes");
    if (tokens) head.emplace_back("tokens");
  }
  std::vector<Cells> rows = {head};
  for (const auto& [name, splits] : totals_by(report, axis)) {
    Cells cells = {name.empty() ? "(none)" : name};
    for (const std::string split : kSplits) {
      const auto found = splits.find(split);
      append_total(cells, found == splits.end() ? ReportTotal{} : found->second, tokens);
    }
    rows.push_back(cells);
  }
  return format_table(title, rows);
}

std::string rule_table(const Report& report) {
  const bool tokens = has_tokens(report);
  std::vector<Cells> rows = {{"", "docs", "bytes"}};
  if (tokens) rows.front().emplace_back("tokens");
  for (const auto& [rule, splits] : totals_by(report, ReportAxis::kRule)) {
    if (rule.empty()) continue;
    Cells cells = {rule};
    append_total(cells, splits.at("dropped"), tokens);
    rows.push_back(cells);
  }
  return rows.size() == 1 ? std::string() : format_table("Dropped, by rule", rows);
}

std::string edit_table(const Report& report) {
  if (report.edits.empty()) return {};
  std::vector<Cells> rows = {{"", "docs", "lines", "bytes"}};
  for (const ReportEdit& edit : report.edits) {
    rows.push_back({edit.rule, fmt::format("{}", edit.num_documents), fmt::format("{}", edit.num_lines),
                    fmt::format("{}", edit.num_bytes)});
  }
  return format_table("Edited out of kept documents, by rule", rows);
}

std::string input_table(const Report& report) {
  std::vector<Cells> rows = {{"", "docs", "bytes", "sha256"}};
  for (const ReportInput& input : report.inputs) {
    const bool same = input.sha256 == input.expected_sha256;
    rows.push_back({input.file, fmt::format("{}", input.num_documents), fmt::format("{}", input.num_bytes),
                    input.sha256.substr(0, 16) + (same ? " as in the recipe" : " NOT as in the recipe")});
  }
  return format_table("Input files", rows);
}

}  // namespace

std::string report_tables(const Report& report) {
  std::string text = input_table(report);
  text +=
      fmt::format("Texts read: {} bytes; normalised: {} bytes\n\n", report.num_bytes_read, report.num_bytes_normalised);
  text += axis_table(report, ReportAxis::kKind, "By kind");
  text += axis_table(report, ReportAxis::kLanguage, "By language");
  text += axis_table(report, ReportAxis::kSource, "By source");
  text += rule_table(report);
  text += edit_table(report);
  return text;
}

}  // namespace reprise::data
