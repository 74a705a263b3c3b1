#include "document_reader.h"

#include <simdjson.h>

#include <algorithm>
#include <optional>

#include "line_reader.h"

namespace reprise::data {
namespace {

/// Returns the offset of the first byte that does not belong to well-formed UTF-8.
std::size_t first_ill_formed_byte(std::string_view text) {
  for (std::size_t position = 0; position < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[position]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    const std::string_view character = text.substr(position, length);
    if (character.size() < length || !simdjson::validate_utf8(character.data(), character.size())) return position;
    position += length;
  }
  return text.size();
}

/// Where a line stands, for messages.
struct Place {
  const std::filesystem::path& path;
  const Line& line;

  [[noreturn]] void fail(std::string_view what, const std::string& hint) const {
    throw Error(ErrorKind::kData, fmt::format("{}: {}:{}", what, path.string(), line.number), hint);
  }
};

void check_utf8(const Place& place) {
  const std::string_view text = place.line.text;
  if (simdjson::validate_utf8(text.data(), text.size())) return;
  const std::size_t offset = first_ill_formed_byte(text);
  const auto value = static_cast<unsigned>(static_cast<std::uint8_t>(text[offset]));
  place.fail(fmt::format("line is not valid UTF-8: byte 0x{:02x} at byte {} of the line, byte {} of the content", value,
                         offset, place.line.offset + offset),
             fmt::format("look at it with `tail -c +{} FILE | head -c 32 | xxd` (after zstd -dc), then convert the "
                         "document to UTF-8, for instance with iconv",
                         place.line.offset + offset + 1));
}

std::string required_string(const simdjson::dom::object& object, const char* field, const Place& place) {
  simdjson::dom::element value;
  if (object.at_key(field).get(value) != simdjson::SUCCESS) {
    place.fail(fmt::format("document has no \"{}\"", field), "Dolma documents need the strings \"id\" and \"text\"");
  }
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) {
    place.fail(fmt::format("\"{}\" of a document is not a string", field),
               fmt::format("write it in quotes: \"{}\": \"...\"", field));
  }
  return std::string(text);
}

/// Returns "" where the field is missing or null; an error where it is something else than a string.
std::string optional_string(const simdjson::dom::object& object, const char* field, const Place& place) {
  simdjson::dom::element value;
  if (object.at_key(field).get(value) != simdjson::SUCCESS || value.is_null()) return {};
  return required_string(object, field, place);
}

Document parse_document(simdjson::dom::parser& parser, const Place& place) {
  simdjson::dom::element root;
  const auto error = parser.parse(place.line.text.data(), place.line.text.size()).get(root);
  if (error != simdjson::SUCCESS) {
    place.fail(fmt::format("line is not JSON ({})", simdjson::error_message(error)),
               "every line must be one JSON object; check with `jq . FILE`");
  }
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS)
    place.fail("line is not a JSON object", "write {\"id\": ..., \"text\": ...}");
  Document document;
  document.id = required_string(object, "id", place);
  if (document.id.empty()) place.fail("\"id\" of a document is empty", "give every document an id of its own");
  document.text = required_string(object, "text", place);
  document.source = optional_string(object, "source", place);
  simdjson::dom::element metadata;
  if (object.at_key("metadata").get(metadata) == simdjson::SUCCESS && !metadata.is_null()) {
    simdjson::dom::object fields;
    if (metadata.get(fields) != simdjson::SUCCESS) {
      place.fail("\"metadata\" of a document is not an object", "write \"metadata\": {\"lang\": \"en\", ...}");
    }
    document.kind = optional_string(fields, "kind", place);
    document.language = optional_string(fields, "lang", place);
    document.license = optional_string(fields, "license", place);
  }
  document.source_line = place.line.number;
  return document;
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

}  // namespace

InputContent read_documents(const std::filesystem::path& folder, const std::string& name, std::uint64_t max_line_bytes,
                            const ReadHandler& handler) {
  const std::filesystem::path path = folder / name;
  LineReader reader(path, max_line_bytes, ErrorKind::kData);
  simdjson::dom::parser parser;
  InputContent content;
  Line line;
  while (reader.next(line)) {
    if (is_blank(line.text)) continue;
    const Place place{path, line};
    check_utf8(place);
    Document document = parse_document(parser, place);
    document.source_file = name;
    ++content.num_documents;
    handler.document(std::move(document));
    if (handler.file_position) handler.file_position(reader.file_position());
  }
  content.num_bytes = reader.content_bytes();
  content.sha256 = reader.content_digest();
  return content;
}

}  // namespace reprise::data
