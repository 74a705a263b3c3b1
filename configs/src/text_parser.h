#pragma once
// Parser of protobuf text format that goes on after a mistake, so that one run reports all of them. It accepts what
// google::protobuf::TextFormat accepts for the field types of our schema (a test compares the two), and knows the
// place of every field, which validation messages cite.

#include <google/protobuf/message.h>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/configs/config.h"

namespace reprise::configs {

/// What is known about a config besides its values.
struct ParseNotes {
  std::vector<Mistake> mistakes;
  std::map<std::string, std::string> places;  // field path -> "file:line:column" or "--set"
  std::set<std::string> broken;               // paths whose value could not be read, or was probably misspelt
  bool complete = true;                       // false: the parser lost its way and skipped the rest of a text
};

/// Parses `text` into `message`. `source` stands for the file in messages; `path` is the field path of `message`, empty
/// for a whole config.
void parse_text(std::string_view text, const std::string& source, const std::string& path,
                google::protobuf::Message& message, ParseNotes& notes);

/// Values of `index` that are no index: the whole field, and a new last element of a repeated field.
inline constexpr int kWholeField = -1;
inline constexpr int kNewElement = -2;

/// Parses `text` as the value of `field`: a scalar, "{ ... }" or fields without braces for a message, "[a, b]" or one
/// element for a repeated field. Replaces the old value, or only element `index`.
void parse_value(std::string_view text, const std::string& source, const std::string& path,
                 google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field, int index,
                 ParseNotes& notes);

/// Returns the field of `type` called `name`, or nullptr.
const google::protobuf::FieldDescriptor* find_field(const google::protobuf::Descriptor& type, std::string_view name);

/// Returns a hint for an unknown field `name` of `type`: the nearest name, or the list of names.
std::string field_hint(const google::protobuf::Descriptor& type, std::string_view name);

}  // namespace reprise::configs
