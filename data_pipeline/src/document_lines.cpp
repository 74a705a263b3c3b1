#include "document_lines.h"

#include <simdjson.h>

#include <charconv>

#include "json_text.h"
#include "reprise/core/error.h"

namespace reprise::data {
namespace {

namespace dom = simdjson::dom;

void append_string(std::string& line, std::string_view key, std::string_view value) {
  line.append("\"").append(key).append("\":");
  append_json_string(line, value);
}

/// Members that came with the document, each on a line.
void append_members(std::string& line, std::string_view members) {
  while (!members.empty()) {
    const std::size_t end = members.find('\n');
    line.append(",").append(members.substr(0, end));
    members.remove_prefix(end + 1);
  }
}

/// The shortest decimal that reads back as the same binary64.
void append_number(std::string& line, std::string_view key, double value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  line.append("\"").append(key).append("\":").append(digits, end.ptr);
}

std::string open_line(const Document& document) {
  std::string line = "{";
  line.reserve(document.text.size() + document.text.size() / 16 + 256);
  append_string(line, "id", document.id);
  append_string(line.append(","), "text", document.text);
  append_string(line.append(","), "source", document.source);
  append_string(line.append(",\"metadata\":{"), "kind", document.kind);
  append_string(line.append(","), "lang", document.language);
  append_string(line.append(","), "license", document.license);
  append_string(line.append(","), "file", document.source_file);
  line.append(fmt::format(",\"line\":{}", document.source_line));
  append_members(line, document.metadata_members);
  line.push_back('}');
  append_members(line, document.members);
  return line;
}

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorKind::kCorrupt, what, "the file was changed after it was written; build the data again");
}

template <typename T>
T get(const dom::object& object, const char* field) {
  T value{};
  if (object.at_key(field).get(value) != simdjson::SUCCESS) fail(fmt::format("no \"{}\" of the right type", field));
  return value;
}

std::string get_string(const dom::object& object, const char* field) {
  return std::string(get<std::string_view>(object, field));
}

dom::object parse_object(dom::parser& parser, std::string_view line) {
  dom::object object;
  const auto error = parser.parse(line.data(), line.size()).get(object);
  if (error != simdjson::SUCCESS) fail(fmt::format("line is not a JSON object ({})", simdjson::error_message(error)));
  return object;
}

Document read_document(const dom::object& object) {
  Document document;
  document.id = get_string(object, "id");
  document.text = get_string(object, "text");
  document.source = get_string(object, "source");
  const auto metadata = get<dom::object>(object, "metadata");
  document.kind = get_string(metadata, "kind");
  document.language = get_string(metadata, "lang");
  document.license = get_string(metadata, "license");
  document.source_file = get_string(metadata, "file");
  document.source_line = get<std::uint64_t>(metadata, "line");
  return document;
}

}  // namespace

struct DocumentLineParser::Parser {
  dom::parser parser;
};

DocumentLineParser::DocumentLineParser() : parser_(std::make_unique<Parser>()) {}
DocumentLineParser::~DocumentLineParser() = default;

std::string document_line(const Document& document) { return open_line(document) + "}\n"; }

std::string dropped_line(const DroppedDocument& document) {
  std::string line = open_line(document.document);
  append_string(line.append(",\"dropped\":{"), "rule", document.drop.rule);
  append_number(line.append(","), "value", document.drop.value);
  append_number(line.append(","), "threshold", document.drop.threshold);
  append_string(line.append(","), "survivor", document.survivor);
  return line + "}}\n";
}

DroppedDocument DocumentLineParser::parse(std::string_view line) {
  return {read_document(parse_object(parser_->parser, line)), {}, {}};
}

DroppedDocument DocumentLineParser::parse_dropped(std::string_view line) {
  const dom::object object = parse_object(parser_->parser, line);
  DroppedDocument result{read_document(object), {}, {}};
  const auto dropped = get<dom::object>(object, "dropped");
  result.drop = {get_string(dropped, "rule"), get<double>(dropped, "value"), get<double>(dropped, "threshold")};
  result.survivor = get_string(dropped, "survivor");
  return result;
}

}  // namespace reprise::data
