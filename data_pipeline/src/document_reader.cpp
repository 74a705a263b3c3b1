#include "document_reader.h"

#include <simdjson.h>

#include <algorithm>
#include <span>

#include "json_text.h"
#include "line_reader.h"
#include "reprise/core/byte_order_mark.h"
#include "unicode_classes.h"

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
  const std::string& path;
  const Line& line;

  [[noreturn]] void fail(InputFault fault, std::string_view what, const std::string& hint) const {
    throw InputError(fault, fmt::format("{}: {}:{}", what, path, line.number), hint);
  }
};

void check_utf8(const Place& place) {
  const std::string_view text = place.line.text;
  if (simdjson::validate_utf8(text.data(), text.size())) return;
  const std::size_t offset = first_ill_formed_byte(text);
  const auto value = static_cast<unsigned>(static_cast<std::uint8_t>(text[offset]));
  place.fail(InputFault::kInvalidUtf8,
             fmt::format("line is not valid UTF-8: byte 0x{:02x} at byte {} of the line, byte {} of the content", value,
                         offset, place.line.offset + offset),
             fmt::format("look at it with `tail -c +{} FILE | head -c 32 | xxd` (after zstd -dc), then convert the "
                         "document to UTF-8, for instance with iconv",
                         place.line.offset + offset + 1));
}

std::string string_value(simdjson::dom::element value, const char* field, const Place& place) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) {
    place.fail(InputFault::kWrongType, fmt::format("\"{}\" of a document is not a string", field),
               fmt::format("write it in quotes: \"{}\": \"...\"", field));
  }
  return std::string(text);
}

std::string required_string(const simdjson::dom::object& object, const char* field, InputFault missing,
                            const Place& place) {
  simdjson::dom::element value;
  if (object.at_key(field).get(value) != simdjson::SUCCESS) {
    place.fail(missing, fmt::format("document has no \"{}\"", field),
               "Dolma documents need the strings \"id\" and \"text\"");
  }
  return string_value(value, field, place);
}

/// Returns "" where the field is missing or null; an error where it is something else than a string.
std::string optional_string(const simdjson::dom::object& object, const char* field, const Place& place) {
  simdjson::dom::element value;
  if (object.at_key(field).get(value) != simdjson::SUCCESS || value.is_null()) return {};
  return string_value(value, field, place);
}

simdjson::dom::object parse_object(simdjson::dom::parser& parser, const Place& place) {
  simdjson::dom::element root;
  const auto error = parser.parse(place.line.text.data(), place.line.text.size()).get(root);
  if (error == simdjson::NUMBER_ERROR) {
    place.fail(
        InputFault::kInvalidJson,
        "line holds a number that is no JSON, or more than 64 bits or binary64 can hold, in some field",
        "write it as a string, or leave the field out; such a number is refused in fields that are not used too");
  }
  if (error != simdjson::SUCCESS) {
    place.fail(
        InputFault::kInvalidJson, fmt::format("line is not JSON ({})", simdjson::error_message(error)),
        "every line must be one JSON object: `jq -c . FILE` writes one a line, and null for NaN, and names what it "
        "cannot read");
  }
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS) {
    place.fail(InputFault::kWrongType, "line is not a JSON object", "write {\"id\": ..., \"text\": ...}");
  }
  return object;
}

/// Members whose keys are not in `known`, in the order of the input. Our JSON has no line feed, so one ends each.
std::string other_members(const simdjson::dom::object& object, std::span<const std::string_view> known) {
  std::string members;
  for (const simdjson::dom::key_value_pair member : object) {
    if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
    append_json_string(members, member.key);
    members.push_back(':');
    append_json_value(members, member.value);
    members.push_back('\n');
  }
  return members;
}

/// "dropped" says why an earlier pass dropped the document: the new pass decides anew.
void keep_members(const simdjson::dom::object& object, Document& document) {
  static constexpr std::string_view kKnown[] = {"id", "text", "source", "metadata", "dropped"};
  static constexpr std::string_view kKnownMetadata[] = {"kind", "lang", "license", "file", "line"};
  document.members = other_members(object, kKnown);
  simdjson::dom::object metadata;
  if (object.at_key("metadata").get(metadata) != simdjson::SUCCESS) return;
  document.metadata_members = other_members(metadata, kKnownMetadata);
}

void read_metadata(const simdjson::dom::object& object, const Place& place, Document& document) {
  simdjson::dom::element metadata;
  if (object.at_key("metadata").get(metadata) != simdjson::SUCCESS || metadata.is_null()) return;
  simdjson::dom::object fields;
  if (metadata.get(fields) != simdjson::SUCCESS) {
    place.fail(InputFault::kWrongType, "\"metadata\" of a document is not an object",
               "write \"metadata\": {\"lang\": \"en\", ...}");
  }
  document.kind = optional_string(fields, "kind", place);
  document.language = optional_string(fields, "lang", place);
  document.license = optional_string(fields, "license", place);
  document.url = optional_string(fields, "url", place);
}

Document parse_document(simdjson::dom::parser& parser, const Place& place, const ReadOptions& options) {
  check_utf8(place);
  const simdjson::dom::object object = parse_object(parser, place);
  Document document;
  document.id = required_string(object, "id", InputFault::kMissingId, place);
  if (document.id.empty()) {
    place.fail(InputFault::kMissingId, "\"id\" of a document is empty", "give every document an id of its own");
  }
  document.text = required_string(object, "text", InputFault::kMissingText, place);
  document.source = optional_string(object, "source", place);
  read_metadata(object, place, document);
  if (options.keep_members) keep_members(object, document);
  document.source_line = place.line.number;
  return document;
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

/// Counts a fault that the policy passes over, or throws it again. To be called in a handler.
void pass_over(const InputError& error, const InputPolicy& policy, SkippedInput& skipped) {
  if (!policy.skips(error.fault())) throw;
  ++skipped[std::string(to_string(error.fault()))];
}

/// Reads the next line; lines that are too long are passed over where the policy says so, and so is what follows
/// damage.
bool next_line(LineReader& reader, const InputPolicy& policy, SkippedInput& skipped, Line& line) {
  while (true) {
    try {
      return reader.next(line);
    } catch (const InputError& error) {
      pass_over(error, policy, skipped);
      if (error.fault() == InputFault::kDamagedFile) return false;
    }
    try {
      reader.skip_line();
    } catch (const InputError& error) {
      pass_over(error, policy, skipped);
      return false;
    }
  }
}

InputContent read_lines(LineReader& reader, const std::string& name, const std::string& place,
                        const ReadOptions& options, const ReadHandler& handler) {
  simdjson::dom::parser parser;
  InputContent content;
  Line line;
  while (next_line(reader, options.policy, content.skipped, line)) {
    if (line.offset == 0 && line.text.starts_with(kByteOrderMark)) {
      line.text.remove_prefix(kByteOrderMark.size());
      line.offset = kByteOrderMark.size();
    }
    if (is_blank(line.text)) continue;
    try {
      Document document = parse_document(parser, {place, line}, options);
      document.source_file = name;
      ++content.num_documents;
      handler.document(std::move(document));
    } catch (const InputError& error) {
      pass_over(error, options.policy, content.skipped);
    }
    if (handler.file_position) handler.file_position(reader.file_position());
  }
  content.num_bytes = reader.content_bytes();
  content.sha256 = reader.content_digest();
  return content;
}

/// The bytes of a text file, counted and hashed as they are read: also those of a text that is passed over.
class HashedSource {
 public:
  explicit HashedSource(ByteSource& source) : source_(source) {}

  /// As ByteSource::read().
  bool read(std::string& buffer) {
    const std::size_t before = buffer.size();
    if (!source_.read(buffer)) return false;
    const std::string_view piece = std::string_view(buffer).substr(before);
    hash_.update(piece);
    num_bytes_ += piece.size();
    return true;
  }

  Digest digest() { return hash_.finish(); }
  std::uint64_t num_bytes() const { return num_bytes_; }

 private:
  ByteSource& source_;
  Sha256 hash_;
  std::uint64_t num_bytes_ = 0;
};

/// Reads a whole text file: as a "line" whose line feeds are part of it.
std::string read_text(HashedSource& source, const std::string& place, const ReadOptions& options) {
  const std::uint64_t max_bytes = options.max_line_bytes;
  std::string text;
  while (source.read(text)) {
    if (text.size() <= max_bytes) continue;
    throw InputError(InputFault::kLongLine, fmt::format("text file is longer than {} bytes: {}", max_bytes, place),
                     fmt::format("split the document, or raise the limit: {}{}", options.limit_setting, max_bytes * 2));
  }
  check_utf8({place, {text, 1, 0}});
  return text;
}

/// Reads on behind a text that is too long, holding one piece of it at a time. Damage there is a fault of its own, as
/// behind a line that is too long.
void read_rest(HashedSource& source, const InputPolicy& policy, SkippedInput& skipped) {
  try {
    for (std::string piece; source.read(piece);) piece.clear();
  } catch (const InputError& error) {
    pass_over(error, policy, skipped);
  }
}

InputContent read_text_document(ByteSource& source, const std::string& name, const std::string& place,
                                const ReadOptions& options, const ReadHandler& handler) {
  InputContent content;
  HashedSource hashed(source);
  bool is_too_long = false;
  try {
    Document document;
    document.id = name;
    document.text = read_text(hashed, place, options);
    document.source_file = name;
    document.source_line = 1;
    content.num_documents = 1;
    handler.document(std::move(document));
  } catch (const InputError& error) {
    pass_over(error, options.policy, content.skipped);
    is_too_long = error.fault() == InputFault::kLongLine;
  }
  if (is_too_long) read_rest(hashed, options.policy, content.skipped);
  content.sha256 = hashed.digest();
  content.num_bytes = hashed.num_bytes();
  if (handler.file_position) handler.file_position(source.file_position());
  return content;
}

}  // namespace

bool is_text_file(std::string_view name) {
  return name.ends_with(".txt") || name.ends_with(".txt.gz") || name.ends_with(".txt.zst");
}

InputContent read_documents(const std::filesystem::path& folder, const std::string& name, const ReadOptions& options,
                            const ReadHandler& handler) {
  const std::filesystem::path path = folder / name;
  auto source = decompressed(file_source(path), compression_of(path), path.string(), ErrorKind::kData);
  return read_documents(std::move(source), name, path.string(), options, handler);
}

InputContent read_documents(std::unique_ptr<ByteSource> source, const std::string& name, const std::string& place,
                            const ReadOptions& options, const ReadHandler& handler) {
  if (is_text_file(name)) return read_text_document(*source, name, place, options, handler);
  LineReader reader(std::move(source), place, options.max_line_bytes, ErrorKind::kData, options.limit_setting);
  return read_lines(reader, name, place, options, handler);
}

}  // namespace reprise::data
