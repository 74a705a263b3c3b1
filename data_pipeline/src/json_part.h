#pragma once
// One part of a tokenizer.json with its place in the file, so that every complaint names the file, the part and the
// value found.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::data {

class JsonPart {
 public:
  /// `file` and `value` outlive the part. An empty place is the file itself.
  JsonPart(const std::string& file, std::string place, const nlohmann::json& value)
      : file_(file), place_(std::move(place)), value_(value) {}

  const nlohmann::json& value() const { return value_; }
  const std::string& place() const { return place_; }
  bool is_null() const { return value_.is_null(); }
  /// Whether there is a member `key` other than null.
  bool has(const std::string& key) const;

  /// The member `key`. Throws when there is none.
  JsonPart member(const std::string& key) const;
  /// The elements of a list. Throws for anything else.
  std::vector<JsonPart> elements() const;

  std::string text() const;
  std::string text(const std::string& key) const { return member(key).text(); }
  bool flag(const std::string& key, bool absent) const;
  std::uint32_t number() const;

  /// Throws kData: "<place> <what>: <value>".
  [[noreturn]] void refuse(std::string_view what) const;
  /// Throws kData for the text `what` about the file.
  [[noreturn]] void fail(std::string_view what) const;

 private:
  const std::string& file_;
  std::string place_;
  const nlohmann::json& value_;
};

}  // namespace reprise::data
