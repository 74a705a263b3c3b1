#include "reprise/data_pipeline/filter_files.h"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "document_reader.h"
#include "reprise/configs/input_names.h"
#include "reprise/core/error.h"
#include "reprise/core/printable.h"
#include "reprise/data_pipeline/normalise.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

using nlohmann::ordered_json;

/// A file of plain text as one document, named after the file.
Document read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REPRISE_REQUIRE(file.good() && !std::filesystem::is_directory(path), ErrorKind::kIo,
                  fmt::format("cannot read the file: {}", path.string()), "check the path and its permissions");
  Document document;
  document.text.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  REPRISE_REQUIRE(!file.bad(), ErrorKind::kIo, fmt::format("reading failed: {}", path.string()), "check the disk");
  std::string storage;
  const std::string_view repaired = well_formed_utf8(document.text, storage);
  if (repaired.data() != document.text.data()) {
    const auto differ = std::mismatch(repaired.begin(), repaired.end(), document.text.begin(), document.text.end());
    const auto offset = static_cast<std::size_t>(differ.second - document.text.begin());
    throw Error(ErrorKind::kData,
                fmt::format("text is not valid UTF-8: {}: byte 0x{:02x} at byte {}", path.string(),
                            static_cast<unsigned>(static_cast<unsigned char>(document.text[offset])), offset),
                "convert it to UTF-8, for instance with iconv");
  }
  document.id = path.filename().string();
  document.source_file = document.id;
  document.source_line = 1;
  return document;
}

const char* sign_of(const Measure& measure) { return measure.at_least ? ">=" : "<="; }

const LanguageLabel& label_of(const Document& document, const LanguageCondition& condition) {
  if (condition.labels->find(document.text) == nullptr) {
    REPRISE_REQUIRE(condition.detector != nullptr, ErrorKind::kData,
                    fmt::format("text has no language label: {}:{}", document.source_file, document.source_line),
                    "compute labels with --relabel");
    condition.labels->add(document.text, condition.detector->detect(document.text));
  }
  return *condition.labels->find(document.text);
}

/// The share of the text in the wanted language; 0 when it is mostly in another.
Measure measure_language(const Document& document, const LanguageCondition& condition) {
  const LanguageLabel& label = label_of(document, condition);
  const double share = label.language == condition.language ? static_cast<double>(label.percent) / 100 : 0.0;
  return {"language_" + condition.language, share, condition.min_share, true, share >= condition.min_share};
}

/// What comes before the chain: address, then language.
std::vector<Measure> measure_before(const FilterFilesOptions& options, const Document& document) {
  std::vector<Measure> measures;
  if (options.url_lists != nullptr) measures = options.url_lists->measure(document.url);
  const bool kept = std::all_of(measures.begin(), measures.end(), [](const Measure& measure) { return measure.kept; });
  const bool language = options.language && !document.text.empty() && (kept || options.explain);
  if (language) measures.push_back(measure_language(document, *options.language));
  return measures;
}

/// The first rule that drops is the one on record; later ones are measured to explain alone.
Judgement judge_document(const FilterChain& chain, const FilterFilesOptions& options, Document& document) {
  Judgement judgement;
  const std::vector<Measure> before = measure_before(options, document);
  const auto dropping =
      std::find_if(before.begin(), before.end(), [](const Measure& measure) { return !measure.kept; });
  if (options.explain) {
    judgement = chain.explain(document);
    judgement.measures.insert(judgement.measures.begin(), before.begin(), before.end());
  } else if (dropping == before.end()) {
    judgement.drop = chain.apply(document, judgement.edits);
  }
  if (dropping != before.end()) judgement.drop = Drop{dropping->rule, dropping->value, dropping->threshold};
  return judgement;
}

}  // namespace

FilterCounts filter_files(const FilterChain& chain, const FilterFilesOptions& options,
                          const std::function<void(const Document&, const Judgement&)>& visit) {
  FilterCounts counts;
  const auto judge = [&](Document&& document) {
    document.text = normalise_v1(document.text);
    const Judgement judgement = judge_document(chain, options, document);
    ++(judgement.drop ? counts.num_dropped : counts.num_kept);
    if (judgement.drop) ++counts.dropped_by[judgement.drop->rule];
    visit(document, judgement);
  };
  for (const std::filesystem::path& path : options.files) {
    if (configs::is_input_name(path.string()) && path.extension() != ".txt") {
      const ReadOptions read{options.max_line_bytes, {}, /*keep_members=*/false, "--max-line-bytes "};
      read_documents(path.parent_path(), path.filename().string(), read, {judge, {}});
    } else {
      require_one_text(path);
      judge(read_text(path));
    }
  }
  return counts;
}

std::string judgement_text(const Document& document, const Judgement& judgement) {
  std::string text =
      fmt::format("{}  {}:{}  ", printable(document.id), printable(document.source_file), document.source_line);
  if (judgement.drop) {
    text += fmt::format("dropped by {}: {:.6g}, threshold {:g}\n", judgement.drop->rule, judgement.drop->value,
                        judgement.drop->threshold);
  } else {
    text += "kept\n";
  }
  for (const Measure& measure : judgement.measures) {
    text += fmt::format("  {:<40} {:>12.6g}  {} {:<8g} {}\n", measure.rule, measure.value, sign_of(measure),
                        measure.threshold, measure.kept ? "keeps" : "DROPS");
  }
  if (judgement.measures.empty()) return text;
  for (const auto& [rule, edit] : judgement.edits) {
    text += fmt::format("  {:<40} {:>12} lines, {} bytes taken out\n", rule, edit.num_lines, edit.num_bytes);
  }
  return text;
}

std::string judgement_json(const Document& document, const Judgement& judgement) {
  ordered_json object = {{"id", document.id},
                         {"file", document.source_file},
                         {"line", document.source_line},
                         {"kept", !judgement.drop.has_value()}};
  if (judgement.drop) {
    object["rule"] = judgement.drop->rule;
    object["value"] = judgement.drop->value;
    object["threshold"] = judgement.drop->threshold;
  }
  if (!judgement.measures.empty()) {
    ordered_json rules = ordered_json::array();
    for (const Measure& measure : judgement.measures) {
      rules.push_back({{"rule", measure.rule},
                       {"value", measure.value},
                       {"keeps", sign_of(measure)},
                       {"threshold", measure.threshold},
                       {"kept", measure.kept}});
    }
    object["rules"] = std::move(rules);
  }
  ordered_json edits = ordered_json::object();
  for (const auto& [rule, edit] : judgement.edits) edits[rule] = {{"lines", edit.num_lines}, {"bytes", edit.num_bytes}};
  if (!edits.empty()) object["edits"] = std::move(edits);
  return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace reprise::data
