// The canonical encoding of configs (docs/formats/canonical_encoding.md, "Configs"). Independent of protobuf's own
// serialisation, which promises no stable bytes.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>

#include "reprise/configs/config.h"
#include "scalar_value.h"
#include "schema.h"

namespace reprise::configs {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void hash_scalar(const Message& message, const FieldDescriptor& field, int index, const std::string& name,
                 CanonicalHasher& hasher) {
  const google::protobuf::Reflection& r = *message.GetReflection();
  const bool many = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      hasher.u64(name, many ? r.GetRepeatedUInt32(message, &field, index) : r.GetUInt32(message, &field));
      break;
    case FieldDescriptor::CPPTYPE_UINT64:
      hasher.u64(name, many ? r.GetRepeatedUInt64(message, &field, index) : r.GetUInt64(message, &field));
      break;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      hasher.f64(name, many ? r.GetRepeatedDouble(message, &field, index) : r.GetDouble(message, &field));
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      hasher.boolean(name, many ? r.GetRepeatedBool(message, &field, index) : r.GetBool(message, &field));
      break;
    case FieldDescriptor::CPPTYPE_STRING:
      hasher.string(name, many ? r.GetRepeatedString(message, &field, index) : r.GetString(message, &field));
      break;
    default:
      throw Error(
          ErrorKind::kInternal,
          fmt::format("field {} has a type without canonical encoding: {}", field.full_name(), field.type_name()),
          "extend configs/src/canonical.cpp and docs/formats/canonical_encoding.md together");
  }
}

void hash_fields(const Message& message, const std::string& prefix, CanonicalHasher& hasher);

void hash_element(const Message& message, const FieldDescriptor& field, int index, const std::string& name,
                  CanonicalHasher& hasher) {
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return hash_scalar(message, field, index, name, hasher);
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  hash_fields(field.is_repeated() ? reflection.GetRepeatedMessage(message, &field, index)
                                  : reflection.GetMessage(message, &field),
              name + ".", hasher);
}

/// A field with the option added_later is left out where it says nothing new.
bool is_left_out(const Message& message, const FieldDescriptor& field) {
  if (!is_added_later(field)) return false;
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  if (field.is_repeated()) return reflection.FieldSize(message, &field) == 0;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) return !reflection.HasField(message, &field);
  return has_default(message, field);
}

/// A zero that says something else than its absence, which is hashed as zero too.
bool is_given_as_zero(const Message& message, const FieldDescriptor& field) {
  return is_value_where_zero(field) && message.GetReflection()->HasField(message, &field) &&
         has_default(message, field);
}

void hash_fields(const Message& message, const std::string& prefix, CanonicalHasher& hasher) {
  for (const FieldDescriptor* field : fields_by_number(*message.GetDescriptor())) {
    if (is_left_out(message, *field)) continue;
    const std::string name = prefix + field->name();
    if (!field->is_repeated()) {
      // Being there at all can be the only thing that such a message says.
      if (is_added_later(*field) && field->message_type() != nullptr) hasher.boolean(name, true);
      if (is_given_as_zero(message, *field)) hasher.boolean(name, true);
      hash_element(message, *field, 0, name, hasher);
      continue;
    }
    const int count = message.GetReflection()->FieldSize(message, field);
    hasher.u64(name, static_cast<std::uint64_t>(count));
    for (int i = 0; i < count; ++i) hash_element(message, *field, i, fmt::format("{}[{}]", name, i), hasher);
  }
}

}  // namespace

std::vector<const FieldDescriptor*> fields_by_number(const google::protobuf::Descriptor& type) {
  std::vector<const FieldDescriptor*> fields;
  for (int i = 0; i < type.field_count(); ++i) fields.push_back(type.field(i));
  std::sort(fields.begin(), fields.end(), [](const auto* a, const auto* b) { return a->number() < b->number(); });
  return fields;
}

bool is_added_later(const FieldDescriptor& field) { return field.options().GetExtension(added_later); }

bool is_value_where_zero(const FieldDescriptor& field) { return field.options().GetExtension(zero_is_a_value); }

Digest message_hash(const Message& message) {
  CanonicalHasher hasher(message.GetDescriptor()->full_name() + ".v1");
  hash_fields(message, "", hasher);
  return hasher.finish();
}

Digest recipe_hash(const Recipe& recipe) { return message_hash(recipe); }

}  // namespace reprise::configs
