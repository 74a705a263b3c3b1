#include "scalar_value.h"

#include <google/protobuf/descriptor.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "reprise/core/error.h"

namespace reprise::configs {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr double kFixedFrom = 1e-4;
constexpr double kFixedBelow = 1e16;

/// Reads a decimal, 0x or 0-prefixed octal whole number without sign.
bool read_unsigned(std::string_view token, std::uint64_t& value) {
  int base = 10;
  if (token.starts_with("0x") || token.starts_with("0X")) {
    base = 16;
    token.remove_prefix(2);
  } else if (token.size() > 1 && token.front() == '0') {
    base = 8;
    token.remove_prefix(1);
  }
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value, base);
  return error == std::errc() && end == token.data() + token.size();
}

bool read_double(std::string_view token, double& value) {
  if (token == "inf" || token == "infinity") {
    value = std::numeric_limits<double>::infinity();
    return true;
  }
  if (token == "nan") {
    value = std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  if (token.ends_with('f') || token.ends_with('F')) token.remove_suffix(1);
  if (token.empty() || !(token.front() == '.' || (token.front() >= '0' && token.front() <= '9'))) return false;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  return error == std::errc() && end == token.data() + token.size();
}

/// Sets a singular field, adds an element (negative `index`), or replaces one.
template <typename Value, typename Set, typename Replace>
void store(Message& message, const FieldDescriptor& field, int index, Value value, Set set, Set add, Replace replace) {
  const Reflection& reflection = *message.GetReflection();
  if (!field.is_repeated()) {
    (reflection.*set)(&message, &field, std::move(value));
  } else if (index < 0) {
    (reflection.*add)(&message, &field, std::move(value));
  } else {
    (reflection.*replace)(&message, &field, index, std::move(value));
  }
}

[[noreturn]] void throw_unsupported(const FieldDescriptor& field) {
  throw Error(ErrorKind::kInternal,
              fmt::format("field {} has the type {}, which configs do not use", field.full_name(), field.type_name()),
              "use uint32, uint64, double, bool, string or a message, or teach configs/src/scalar_value.cpp");
}

}  // namespace

std::string set_scalar(Message& message, const FieldDescriptor& field, int index, std::string_view token,
                       bool negative) {
  const auto whole_number = [](std::uint64_t limit) { return fmt::format("a whole number from 0 to {}", limit); };
  std::uint64_t number = 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32: {
      constexpr std::uint32_t kLimit = std::numeric_limits<std::uint32_t>::max();
      if (negative || !read_unsigned(token, number) || number > kLimit) return whole_number(kLimit);
      store(message, field, index, static_cast<std::uint32_t>(number), &Reflection::SetUInt32, &Reflection::AddUInt32,
            &Reflection::SetRepeatedUInt32);
      return {};
    }
    case FieldDescriptor::CPPTYPE_UINT64:
      if (negative || !read_unsigned(token, number)) return whole_number(std::numeric_limits<std::uint64_t>::max());
      store(message, field, index, number, &Reflection::SetUInt64, &Reflection::AddUInt64,
            &Reflection::SetRepeatedUInt64);
      return {};
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      double value = 0;
      if (!read_double(token, value)) return "a number";
      store(message, field, index, negative ? -value : value, &Reflection::SetDouble, &Reflection::AddDouble,
            &Reflection::SetRepeatedDouble);
      return {};
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      const bool is_true = token == "true" || token == "True" || token == "t" || token == "1";
      const bool is_false = token == "false" || token == "False" || token == "f" || token == "0";
      if (negative || (!is_true && !is_false)) return "true or false";
      store(message, field, index, is_true, &Reflection::SetBool, &Reflection::AddBool, &Reflection::SetRepeatedBool);
      return {};
    }
    case FieldDescriptor::CPPTYPE_STRING:
      store(message, field, index, std::string(token), &Reflection::SetString, &Reflection::AddString,
            &Reflection::SetRepeatedString);
      return {};
    default:
      throw_unsupported(field);
  }
}

std::string shortest_decimal(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  // std::to_chars is defined to the character by the standard; the notation is chosen here, by magnitude.
  const double magnitude = std::fabs(value);
  const bool fixed = magnitude == 0 || (magnitude >= kFixedFrom && magnitude < kFixedBelow);
  char buffer[64];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value,
                                    fixed ? std::chars_format::fixed : std::chars_format::scientific);
  return std::string(buffer, result.ptr);
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\{:03o}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string scalar_text(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& r = *message.GetReflection();
  const bool many = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(many ? r.GetRepeatedUInt32(message, &field, index) : r.GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(many ? r.GetRepeatedUInt64(message, &field, index) : r.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return shortest_decimal(many ? r.GetRepeatedDouble(message, &field, index) : r.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (many ? r.GetRepeatedBool(message, &field, index) : r.GetBool(message, &field)) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_STRING:
      return quoted(many ? r.GetRepeatedString(message, &field, index) : r.GetString(message, &field));
    default:
      throw_unsupported(field);
  }
}

std::string default_text(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(field.default_value_uint32());
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(field.default_value_uint64());
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return shortest_decimal(field.default_value_double());
    case FieldDescriptor::CPPTYPE_BOOL:
      return field.default_value_bool() ? "true" : "false";
    case FieldDescriptor::CPPTYPE_STRING:
      return quoted(field.default_value_string());
    default:
      throw_unsupported(field);
  }
}

void set_to_default(Message& message, const FieldDescriptor& field) {
  std::string text =
      field.cpp_type() == FieldDescriptor::CPPTYPE_STRING ? field.default_value_string() : default_text(field);
  const bool negative = field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE && text.starts_with('-');
  REPRISE_CHECK_EQ(set_scalar(message, field, 0, negative ? text.substr(1) : text, negative), "");
}

bool has_default(const Message& message, const FieldDescriptor& field) {
  return scalar_text(message, field, 0) == default_text(field);
}

}  // namespace reprise::configs
