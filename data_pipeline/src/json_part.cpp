#include "json_part.h"

#include <fmt/core.h>

#include "reprise/core/error.h"

namespace reprise::data {
namespace {

constexpr const char* kHint =
    "docs/formats/tokenizer.md lists the parts that are supported; a file that `reprise` wrote always is";
constexpr std::size_t kShownBytes = 300;

/// What is no whole text when it is cut is shown as U+FFFD.
std::string shown(const nlohmann::json& value) {
  const std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return text.size() <= kShownBytes ? text : text.substr(0, kShownBytes) + "...";
}

}  // namespace

void JsonPart::fail(std::string_view what) const {
  throw Error(ErrorKind::kData, fmt::format("tokenizer {}: {}", file_, what), kHint);
}

void JsonPart::refuse(std::string_view what) const {
  fail(fmt::format("{} {}: {}", place_.empty() ? "the file" : place_, what, shown(value_)));
}

bool JsonPart::has(const std::string& key) const {
  return value_.is_object() && value_.contains(key) && !value_.at(key).is_null();
}

JsonPart JsonPart::member(const std::string& key) const {
  if (!value_.is_object() || !value_.contains(key)) {
    fail(fmt::format("{} has no \"{}\"", place_.empty() ? "the file" : place_, key));
  }
  return {file_, place_.empty() ? key : fmt::format("{} \"{}\"", place_, key), value_.at(key)};
}

std::vector<JsonPart> JsonPart::elements() const {
  if (!value_.is_array()) refuse("is not a list");
  std::vector<JsonPart> parts;
  for (std::size_t k = 0; k < value_.size(); ++k)
    parts.emplace_back(file_, fmt::format("{}[{}]", place_, k), value_[k]);
  return parts;
}

std::string JsonPart::text() const {
  if (!value_.is_string()) refuse("is not a text");
  return value_.get<std::string>();
}

bool JsonPart::flag(const std::string& key, bool absent) const {
  if (!has(key)) return absent;
  const JsonPart part = member(key);
  if (!part.value().is_boolean()) part.refuse("is not true or false");
  return part.value().get<bool>();
}

std::uint32_t JsonPart::number() const {
  constexpr std::uint64_t kLargest = 0x7FFFFFFF;
  if (!value_.is_number_unsigned() || value_.get<std::uint64_t>() > kLargest) {
    refuse(fmt::format("is not a number from 0 to {}", kLargest));
  }
  return value_.get<std::uint32_t>();
}

}  // namespace reprise::data
