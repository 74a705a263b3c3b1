// Filters that judge nothing, because no document has the kind and language that they ask for.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "reprise/data_pipeline/filters.h"
#include "reprise/data_pipeline/report.h"

namespace reprise::data {
namespace {

constexpr std::size_t kMostGroups = 3;

std::uint64_t count_meant(const configs::FilterRule& rule, const Report& report) {
  std::uint64_t count = 0;
  for (const ReportRow& row : report.rows) {
    Document document;
    document.kind = row.kind;
    document.language = row.language;
    if (is_meant(rule, document)) count += row.num_documents;
  }
  return count;
}

std::string meant_documents(const configs::FilterRule& rule) {
  std::string text;
  if (rule.kind_size() > 0) text += fmt::format("metadata.kind \"{}\"", fmt::join(rule.kind(), "\" or \""));
  if (rule.kind_size() > 0 && rule.language_size() > 0) text += " and ";
  if (rule.language_size() > 0) text += fmt::format("metadata.lang \"{}\"", fmt::join(rule.language(), "\" or \""));
  return text;
}

/// What most documents have.
std::string kinds_and_languages(const Report& report) {
  std::map<std::pair<std::string, std::string>, std::uint64_t> counts;
  for (const ReportRow& row : report.rows) counts[{row.kind, row.language}] += row.num_documents;
  std::vector<std::pair<std::uint64_t, std::string>> groups;
  for (const auto& [names, count] : counts) {
    groups.emplace_back(count, fmt::format("\"{}\" and \"{}\" ({})", names.first, names.second, count));
  }
  std::stable_sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string list;
  for (std::size_t i = 0; i < std::min(groups.size(), kMostGroups); ++i) {
    list += (i == 0 ? "" : ", ") + groups[i].second;
  }
  return list + (groups.size() > kMostGroups ? ", ..." : "");
}

}  // namespace

std::vector<std::string> filters_without_documents(const configs::DataRecipe& recipe, const Report& report) {
  std::uint64_t num_documents = 0;
  for (const ReportRow& row : report.rows) num_documents += row.num_documents;
  std::vector<std::string> lines;
  for (int i = 0; i < recipe.filter_size() && num_documents > 0; ++i) {
    const configs::FilterRule& rule = recipe.filter(i);
    if (count_meant(rule, report) > 0) continue;
    lines.push_back(
        fmt::format("recipe.data.filter[{}] ({}) judges none of {} documents: it is for those of {}; there are {}", i,
                    rule.name(), num_documents, meant_documents(rule), kinds_and_languages(report)));
  }
  return lines;
}

}  // namespace reprise::data
