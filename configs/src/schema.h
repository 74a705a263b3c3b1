#pragma once
// What the code needs to know of the schema beyond a single field's type.

#include <google/protobuf/descriptor.h>

#include <vector>

namespace reprise::configs {

/// Returns the fields of `type` by ascending number.
std::vector<const google::protobuf::FieldDescriptor*> fields_by_number(const google::protobuf::Descriptor& type);

/// Says whether the schema marks `field` with the option added_later.
bool is_added_later(const google::protobuf::FieldDescriptor& field);

/// Says whether the schema marks `field` with the option zero_is_a_value.
bool is_value_where_zero(const google::protobuf::FieldDescriptor& field);

}  // namespace reprise::configs
