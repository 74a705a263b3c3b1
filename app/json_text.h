#pragma once
// JSON as the verbs print it.

#include <nlohmann/json.hpp>
#include <string>

namespace reprise::app {

/// A path need not be UTF-8, as JSON is: what is not becomes U+FFFD, for the work that is reported on is done. An
/// `indent` of -1 puts all on one line.
inline std::string json_text(const nlohmann::ordered_json& json, int indent = 1) {
  return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace reprise::app
