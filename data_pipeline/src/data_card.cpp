#include "reprise/data_pipeline/data_card.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <set>

#include "reprise/configs/config.h"
#include "reprise/core/files.h"
#include "reprise/core/hash.h"
#include "reprise/data_pipeline/document_file.h"
#include "reprise/data_pipeline/report.h"

namespace reprise::data {
namespace {

using nlohmann::ordered_json;

struct File {
  const char* id;  // of the record set
  const char* what;
  std::filesystem::path path;
};

struct Field {
  const char* name;
  const char* json_path;
  const char* type;
  const char* what;
};

constexpr Field kFields[] = {
    {"id", "$.id", "sc:Text", "Identifier of the document, unique in the dataset"},
    {"text", "$.text", "sc:Text", "The text after normalisation and filters"},
    {"source", "$.source", "sc:Text", "Collection that the document comes from"},
    {"kind", "$.metadata.kind", "sc:Text", "natural or code"},
    {"language", "$.metadata.lang", "sc:Text", "Natural or programming language"},
    {"license", "$.metadata.license", "sc:Text", "Licence of the document"},
    {"file", "$.metadata.file", "sc:Text", "Input file"},
    {"line", "$.metadata.line", "sc:Integer", "Line of the input file, from 1"},
};
constexpr Field kDroppedFields[] = {
    {"rule", "$.dropped.rule", "sc:Text", "The rule that dropped the document"},
    {"value", "$.dropped.value", "sc:Float", "What the rule measured"},
    {"threshold", "$.dropped.threshold", "sc:Float", "What the rule asks for"},
    {"survivor", "$.dropped.survivor", "sc:Text", "Of a duplicate: the document that was kept"},
};

/// The context of the Croissant 1.0 specification, with a prefix of our own.
ordered_json context() {
  return ordered_json::parse(R"({
    "@language": "en", "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs", "column": "cr:column", "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/", "equivalentProperty": "cr:equivalentProperty", "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract", "field": "cr:field", "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet", "format": "cr:format", "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path",
    "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated",
    "replace": "cr:replace", "reprise": "urn:reprise:", "samplingRate": "cr:samplingRate", "sc": "https://schema.org/", "separator": "cr:separator",
    "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform"})");
}

ordered_json file_object(const File& file) {
  const std::string bytes = read_file(file.path);
  const std::string name = file.path.filename().string();
  return {{"@type", "cr:FileObject"},
          {"@id", name},
          {"name", name},
          {"description", fmt::format("{}; JSON lines, zstd", file.what)},
          {"contentUrl", "data/" + name},
          {"contentSize", fmt::format("{} B", bytes.size())},
          {"encodingFormat", "application/jsonlines"},
          {"sha256", sha256(bytes).hex()}};
}

ordered_json field_json(const File& file, const Field& field) {
  return {{"@type", "cr:Field"},
          {"@id", fmt::format("{}/{}", file.id, field.name)},
          {"name", field.name},
          {"description", field.what},
          {"dataType", field.type},
          {"source",
           {{"fileObject", {{"@id", file.path.filename().string()}}}, {"extract", {{"jsonPath", field.json_path}}}}}};
}

ordered_json record_set(const File& file, bool dropped) {
  ordered_json fields = ordered_json::array();
  for (const Field& field : kFields) fields.push_back(field_json(file, field));
  if (dropped) {
    for (const Field& field : kDroppedFields) fields.push_back(field_json(file, field));
  }
  return {{"@type", "cr:RecordSet"},
          {"@id", file.id},
          {"name", file.id},
          {"description", file.what},
          {"key", {{"@id", fmt::format("{}/id", file.id)}}},
          {"field", std::move(fields)}};
}

ordered_json totals_json(const TotalsBySplit& splits) {
  ordered_json json = ordered_json::object();
  for (const auto& [split, total] : splits) {
    json[split] = {{"documents", total.num_documents}, {"bytes", total.num_bytes}};
    if (total.num_tokens) json[split]["tokens"] = *total.num_tokens;
  }
  return json;
}

ordered_json counts_json(const Report& report) {
  ordered_json json;
  const std::pair<const char*, ReportAxis> axes[] = {{"by_source", ReportAxis::kSource},
                                                     {"by_language", ReportAxis::kLanguage},
                                                     {"by_kind", ReportAxis::kKind},
                                                     {"by_rule", ReportAxis::kRule}};
  for (const auto& [name, axis] : axes) {
    for (const auto& [value, splits] : totals_by(report, axis)) {
      if (!value.empty()) json[name][value] = totals_json(splits);
    }
  }
  return json;
}

/// Licences of the documents that can be trained or evaluated on.
std::set<std::string> licenses_of(const std::filesystem::path& run) {
  std::set<std::string> licenses;
  const auto add = [&](const Document& document) {
    licenses.insert(document.license.empty() ? "unknown" : document.license);
  };
  for_each_document(train_path(run), add);
  for_each_document(held_out_path(run), add);
  return licenses;
}

/// Groups and stages as the recipe writes them.
std::string mixture_text(const configs::TrainRecipe& recipe) {
  configs::TrainRecipe mixture;
  mixture.mutable_group()->CopyFrom(recipe.group());
  mixture.mutable_stage()->CopyFrom(recipe.stage());
  return configs::to_text(mixture);
}

}  // namespace

std::string data_card_json(const std::filesystem::path& run, const configs::Recipe& recipe) {
  const File files[] = {
      {"train", "Documents for training", train_path(run)},
      {"held_out", "Documents kept for evaluation, read by no training step", held_out_path(run)},
      {"dropped", "Documents that were dropped, each with the rule and its value", dropped_path(run)}};
  const Report report = read_report(run);
  ordered_json card;
  card["@context"] = context();
  card["@type"] = "sc:Dataset";
  card["conformsTo"] = "http://mlcommons.org/croissant/1.0";
  card["name"] = recipe.name();
  card["description"] =
      "Documents of a Reprise recipe: read from the inputs named, normalised, filtered by published rules, "
      "deduplicated "
      "and split by hash of the id. Whoever runs the recipe gets the same bytes of text.";
  card["license"] = licenses_of(run);
  card["version"] = "1.0.0";
  card["isLiveDataset"] = false;
  for (const File& file : files) {
    card["distribution"].push_back(file_object(file));
    card["recordSet"].push_back(record_set(file, file.path == dropped_path(run)));
  }
  card["reprise:recipe"] = configs::recipe_hash(recipe).hex();
  card["reprise:inputs"] = inputs_digest(report).hex();
  card["reprise:counts"] = counts_json(report);
  if (recipe.train().group_size() > 0) card["reprise:mixture"] = mixture_text(recipe.train());
  return card.dump(1) + "\n";
}

}  // namespace reprise::data
