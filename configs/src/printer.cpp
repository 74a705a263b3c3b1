#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "reprise/configs/config.h"
#include "scalar_value.h"
#include "schema.h"

namespace reprise::configs {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void print(const Message& message, int depth, std::string& out) {
  const std::string indent(static_cast<std::size_t>(2 * depth), ' ');
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  for (const FieldDescriptor* field : fields_by_number(*message.GetDescriptor())) {
    const bool many = field->is_repeated();
    const int count = many ? reflection.FieldSize(message, field) : (reflection.HasField(message, field) ? 1 : 0);
    for (int i = 0; i < count; ++i) {
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
        out += fmt::format("{}{}: {}\n", indent, field->name(), scalar_text(message, *field, i));
        continue;
      }
      out += fmt::format("{}{} {{\n", indent, field->name());
      print(many ? reflection.GetRepeatedMessage(message, field, i) : reflection.GetMessage(message, field), depth + 1,
            out);
      out += indent + "}\n";
    }
  }
}

/// Gives every field the one form that the hash stands for: declared defaults are written, and a field without a
/// declared default is left out where it holds the zero of its type and the schema gives that zero no meaning of its
/// own. What is left out here must be read like its zero by everybody who asks whether it is there.
void write_defaults(Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  for (const FieldDescriptor* field : fields_by_number(*message.GetDescriptor())) {
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (field->is_repeated()) {
      for (int i = 0; is_message && i < reflection.FieldSize(message, field); ++i) {
        write_defaults(*reflection.MutableRepeatedMessage(&message, field, i));
      }
    } else if (is_message) {
      if (reflection.HasField(message, field) || !is_added_later(*field)) {
        write_defaults(*reflection.MutableMessage(&message, field));
      }
    } else if (is_added_later(*field) || !field->has_default_value()) {
      if (has_default(message, *field) && !is_value_where_zero(*field)) reflection.ClearField(&message, field);
    } else if (!reflection.HasField(message, field)) {
      set_to_default(message, *field);
    }
  }
}

}  // namespace

RunConfig resolve(const RunConfig& config) {
  RunConfig resolved = config;
  write_defaults(resolved);
  return resolved;
}

std::string to_text(const Message& message) {
  std::string text;
  print(message, 0, text);
  return text;
}

}  // namespace reprise::configs
