#include "reprise/data_pipeline/report.h"

#include <nlohmann/json.hpp>
#include <unordered_map>

#include "report_builder.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/parse_json.h"
#include "reprise/data_pipeline/document_file.h"

namespace reprise::data {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "reprise.report.v1";

const std::string& property(const ReportRow& row, ReportAxis axis) {
  switch (axis) {
    case ReportAxis::kSource:
      return row.source;
    case ReportAxis::kLanguage:
      return row.language;
    case ReportAxis::kKind:
      return row.kind;
    case ReportAxis::kRule:
      break;
  }
  return row.rule;
}

void add_row(ReportTotal& total, const ReportRow& row) {
  total.num_documents += row.num_documents;
  total.num_bytes += row.num_bytes;
  if (row.num_tokens) total.num_tokens = total.num_tokens.value_or(0) + *row.num_tokens;
}

template <typename Counts>
json counts_json(const Counts& counts) {
  json object = {{"documents", counts.num_documents}, {"bytes", counts.num_bytes}};
  if (counts.num_tokens) object["tokens"] = *counts.num_tokens;
  return object;
}

json axis_json(const Report& report, ReportAxis axis) {
  json object = json::object();
  for (const auto& [name, splits] : totals_by(report, axis)) {
    if (axis == ReportAxis::kRule && name.empty()) continue;
    for (const auto& [split, total] : splits) object[name][split] = counts_json(total);
  }
  return object;
}

json rows_json(const Report& report) {
  json rows = json::array();
  for (const ReportRow& row : report.rows) {
    json object = counts_json(row);
    object["source"] = row.source;
    object["lang"] = row.language;
    object["kind"] = row.kind;
    object["split"] = row.split;
    object["rule"] = row.rule;
    rows.push_back(std::move(object));
  }
  return rows;
}

json to_json(const Report& report) {
  json root = {{"format", kFormat},
               {"read", {{"text_bytes", report.num_bytes_read}, {"normalised_bytes", report.num_bytes_normalised}}},
               {"inputs", json::array()},
               {"edits", json::array()},
               {"rows", rows_json(report)},
               {"by_source", axis_json(report, ReportAxis::kSource)},
               {"by_lang", axis_json(report, ReportAxis::kLanguage)},
               {"by_kind", axis_json(report, ReportAxis::kKind)},
               {"by_rule", axis_json(report, ReportAxis::kRule)}};
  for (const ReportInput& input : report.inputs) {
    root["inputs"].push_back({{"file", input.file},
                              {"sha256", input.sha256},
                              {"expected_sha256", input.expected_sha256},
                              {"bytes", input.num_bytes},
                              {"documents", input.num_documents}});
    if (!input.skipped.empty()) root["inputs"].back()["skipped"] = input.skipped;
  }
  for (const ReportEdit& edit : report.edits) {
    root["edits"].push_back(
        {{"rule", edit.rule}, {"documents", edit.num_documents}, {"lines", edit.num_lines}, {"bytes", edit.num_bytes}});
  }
  return root;
}

ReportRow row_from_json(const json& object) {
  ReportRow row{object.at("source"), object.at("lang"),      object.at("kind"),  object.at("split"),
                object.at("rule"),   object.at("documents"), object.at("bytes"), std::nullopt};
  if (object.contains("tokens")) row.num_tokens = object.at("tokens").get<std::uint64_t>();
  return row;
}

Report from_json(const json& root) {
  Report report;
  report.num_bytes_read = root.at("read").at("text_bytes");
  report.num_bytes_normalised = root.at("read").at("normalised_bytes");
  for (const json& input : root.at("inputs")) {
    report.inputs.push_back({input.at("file"),
                             input.at("sha256"),
                             input.at("expected_sha256"),
                             input.at("bytes"),
                             input.at("documents"),
                             {}});
    if (input.contains("skipped")) report.inputs.back().skipped = input.at("skipped");
  }
  for (const json& row : root.at("rows")) report.rows.push_back(row_from_json(row));
  for (const json& edit : root.at("edits")) {
    report.edits.push_back({edit.at("rule"), edit.at("documents"), edit.at("lines"), edit.at("bytes")});
  }
  return report;
}

using CountsById = std::unordered_map<std::string, std::uint64_t>;

/// Takes the count of `document` out of `counts`.
std::uint64_t take_count(const Document& document, const std::filesystem::path& path, CountsById& counts) {
  const auto found = counts.find(document.id);
  if (found == counts.end()) {
    throw Error(ErrorKind::kData, fmt::format("no token count for document: {}: {}", path.string(), document.id),
                "make the shards of this run again");
  }
  const std::uint64_t count = found->second;
  counts.erase(found);
  return count;
}

void count_file(const std::filesystem::path& path, const std::string& split, CountsById& counts,
                ReportBuilder& builder) {
  for_each_document(path, [&](const Document& document) {
    builder.add_tokens(document, split, "", take_count(document, path, counts));
  });
}

void count_dropped(const std::filesystem::path& path, CountsById& counts, ReportBuilder& builder) {
  for_each_dropped(path, [&](const DroppedDocument& dropped) {
    builder.add_tokens(dropped.document, "dropped", dropped.drop.rule, take_count(dropped.document, path, counts));
  });
}

}  // namespace

std::filesystem::path report_path(const std::filesystem::path& run) { return run / "data" / "report.json"; }

std::map<std::string, TotalsBySplit> totals_by(const Report& report, ReportAxis axis) {
  std::map<std::string, TotalsBySplit> totals;
  for (const ReportRow& row : report.rows) add_row(totals[property(row, axis)][row.split], row);
  return totals;
}

Digest report_digest(const Report& report) {
  CanonicalHasher hasher("reprise.report.v1");
  hasher.u64("text_bytes", report.num_bytes_read).u64("normalised_bytes", report.num_bytes_normalised);
  hasher.u64("rows", report.rows.size());
  for (const ReportRow& row : report.rows) {
    hasher.string("source", row.source).string("lang", row.language).string("kind", row.kind);
    hasher.string("split", row.split).string("rule", row.rule);
    hasher.u64("documents", row.num_documents).u64("bytes", row.num_bytes);
    if (row.num_tokens) hasher.u64("tokens", *row.num_tokens);
  }
  hasher.u64("edits", report.edits.size());
  for (const ReportEdit& edit : report.edits) {
    hasher.string("rule", edit.rule).u64("documents", edit.num_documents);
    hasher.u64("lines", edit.num_lines).u64("bytes", edit.num_bytes);
  }
  return hasher.finish();
}

Digest inputs_digest(const Report& report) {
  CanonicalHasher hasher("reprise.corpus.v1");
  hasher.u64("files", report.inputs.size());
  for (const ReportInput& input : report.inputs) {
    hasher.string("file", input.file).u64("bytes", input.num_bytes).string("sha256", input.sha256);
    // Left out where nothing was passed over, so that older corpora keep their digest.
    if (input.skipped.empty()) continue;
    hasher.u64("skipped", input.skipped.size());
    for (const auto& [fault, count] : input.skipped) hasher.string("fault", fault).u64("count", count);
  }
  return hasher.finish();
}

std::string report_json(const Report& report) { return to_json(report).dump(1) + "\n"; }

Report read_report(const std::filesystem::path& run) {
  const std::filesystem::path path = report_path(run);
  const std::string text = read_file(path);
  const auto fail = [&](const std::string& what) -> Error {
    return Error(ErrorKind::kCorrupt, fmt::format("not a data report: {}: {}", path.string(), what),
                 "the file was changed after it was written; build the data again");
  };
  try {
    const json root = parse_json<json>(text);
    if (root.at("format") != kFormat) throw fail("unknown format " + root.at("format").dump());
    Report report = from_json(root);
    if (to_json(report) != root) throw fail("its sums do not follow from its rows");
    return report;
  } catch (const json::exception& error) {
    throw fail(error.what());
  }
}

Digest add_token_counts(const std::filesystem::path& run, std::span<const TokenCount> counts) {
  CountsById by_id;
  for (const TokenCount& count : counts) by_id[count.id] = count.num_tokens;
  ReportBuilder builder;
  count_file(train_path(run), "train", by_id, builder);
  count_file(held_out_path(run), "held_out", by_id, builder);
  count_dropped(dropped_path(run), by_id, builder);
  if (!by_id.empty()) {
    throw Error(ErrorKind::kData, fmt::format("token counts without a document: {} of them", by_id.size()),
                "make the shards of this run again");
  }
  Report counted;
  builder.finish(counted);
  Report report = read_report(run);
  for (ReportRow& row : report.rows) {
    for (const ReportRow& tokens : counted.rows) {
      if (row.source == tokens.source && row.language == tokens.language && row.kind == tokens.kind &&
          row.split == tokens.split && row.rule == tokens.rule) {
        row.num_tokens = tokens.num_tokens;
      }
    }
  }
  write_file_atomically(report_path(run), report_json(report));
  return report_digest(report);
}

}  // namespace reprise::data
