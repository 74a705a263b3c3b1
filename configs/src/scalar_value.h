#pragma once
// Scalar values of config fields: from text, to text. Locale and library versions do not matter.

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

namespace reprise::configs {

/// Sets `field` of `message` (adds an element when it is repeated and `index` is negative) to the value that `token`
/// spells; `negative` says that a minus sign stood before it. Strings come unquoted. Returns what was expected
/// ("a whole number from 0 to 4294967295") when the token spells no such value, else an empty text.
std::string set_scalar(google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field, int index,
                       std::string_view token, bool negative);

/// Returns the shortest decimal that reads back as the same binary64; fixed notation for 1e-4 <= |value| < 1e16.
std::string shortest_decimal(double value);

/// Returns the value of a scalar field (element `index` when repeated) as it is written in a config.
std::string scalar_text(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
                        int index);

/// Returns the default of a scalar field as it is written in a config.
std::string default_text(const google::protobuf::FieldDescriptor& field);

/// Writes the default of a singular scalar field.
void set_to_default(google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field);

/// Says whether a singular scalar field holds its default, written out or not.
bool has_default(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field);

/// Returns `text` between double quotes, with the escapes of text format; UTF-8 stays as it is.
std::string quoted(std::string_view text);

}  // namespace reprise::configs
