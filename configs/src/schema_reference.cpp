// The reference page of the schema, from the descriptor set that the build embeds (schema_bytes.cpp): the linked
// descriptor has no comments.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <cstddef>

#include "reprise/configs/config.h"
#include "scalar_value.h"
#include "schema.h"

namespace reprise::configs {

extern const unsigned char kSchemaBytes[];
extern const std::size_t kSchemaSize;

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

/// The comment above `element`, as one paragraph.
template <typename Element>
std::string comment_of(const Element& element) {
  google::protobuf::SourceLocation location;
  if (!element.GetSourceLocation(&location)) return "";
  std::string text;
  for (const char c : location.leading_comments) {
    const char plain = c == '\n' ? ' ' : c;
    if (plain == ' ' && (text.empty() || text.back() == ' ')) continue;
    text += plain;
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

/// A bar would end the cell, even between backquotes.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string type_text(const FieldDescriptor& field) {
  std::string name = field.type_name();
  if (field.message_type() != nullptr) {
    std::string anchor = field.message_type()->name();
    for (char& c : anchor) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    name = fmt::format("[{}](#{})", field.message_type()->name(), anchor);
  }
  return field.is_repeated() ? "list of " + name : name;
}

std::string default_text_of(const FieldDescriptor& field) {
  if (field.is_repeated()) return "empty";
  if (field.message_type() != nullptr || !field.has_default_value()) return "";
  return fmt::format("`{}`", default_text(field));
}

std::string describe(const Descriptor& type) {
  std::string page = fmt::format("\n## {}\n\n", type.name());
  if (const std::string comment = comment_of(type); !comment.empty()) page += comment + "\n\n";
  page += "| field | type | default | meaning |\n|---|---|---|---|\n";
  for (const FieldDescriptor* field : fields_by_number(type)) {
    page += fmt::format("| `{}` | {} | {} | {} |\n", field->name(), type_text(*field), cell(default_text_of(*field)),
                        cell(comment_of(*field)));
  }
  return page;
}

}  // namespace

std::string schema_reference() {
  google::protobuf::FileDescriptorSet set;
  REPRISE_CHECK(set.ParseFromArray(kSchemaBytes, static_cast<int>(kSchemaSize)));
  google::protobuf::DescriptorPool pool;
  const google::protobuf::FileDescriptor* file = nullptr;
  for (const google::protobuf::FileDescriptorProto& one : set.file()) file = pool.BuildFile(one);
  REPRISE_CHECK(file != nullptr);
  std::string page =
      "# Config reference\n\n"
      "Configs are protobuf text. The root is `RunConfig`; `--set path=value` overrides a field on the command line.\n"
      "Printed by `reprise config docs` from `configs/proto/config.proto`.\n";
  for (int i = 0; i < file->message_type_count(); ++i) page += describe(*file->message_type(i));
  return page;
}

}  // namespace reprise::configs
