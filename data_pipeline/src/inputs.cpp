#include "reprise/data_pipeline/inputs.h"

#include <fmt/format.h>
#include <glob.h>
#include <simdjson.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "reprise/core/byte_order_mark.h"
#include "reprise/core/files.h"
#include "reprise/core/nearest_name.h"

namespace reprise::data {
namespace {

constexpr std::array<InputFault, kNumInputFaults> kFaults = {
    InputFault::kDamagedFile, InputFault::kLongLine,  InputFault::kInvalidUtf8, InputFault::kInvalidJson,
    InputFault::kWrongType,   InputFault::kMissingId, InputFault::kMissingText, InputFault::kDuplicateId};

bool is_glob(const std::string& name) { return name.find_first_of("*?[") != std::string::npos; }

void expand(const std::string& pattern, std::vector<std::string>& names) {
  // A shell hands over the names that its own pattern found: "doc[1].jsonl" is not "doc1.jsonl" then.
  std::error_code ignored;
  if (!is_glob(pattern) || std::filesystem::exists(pattern, ignored)) return names.push_back(pattern);
  const std::vector<std::string> found = expand_glob(pattern);
  names.insert(names.end(), found.begin(), found.end());
}

void expand_list(const std::string& path, std::vector<std::string>& names) {
  const std::string content = read_file(path);
  const std::string_view text = without_byte_order_mark(content);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string line(text.substr(begin, end - begin));
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) expand(line, names);
    begin = end + 1;
  }
}

}  // namespace

std::string_view to_string(InputFault fault) {
  static constexpr std::string_view kNames[kNumInputFaults] = {"damaged_file", "long_line",   "invalid_utf8",
                                                               "invalid_json", "wrong_type",  "missing_id",
                                                               "missing_text", "duplicate_id"};
  return kNames[static_cast<std::size_t>(fault)];
}

std::span<const InputFault> input_faults() { return kFaults; }

InputPolicy::InputPolicy(const configs::BadInput& config)
    : skip_{config.damaged_file() == "skip", config.long_line() == "skip",   config.invalid_utf8() == "skip",
            config.invalid_json() == "skip", config.wrong_type() == "skip",  config.missing_id() == "skip",
            config.missing_text() == "skip", config.duplicate_id() == "skip"} {}

void InputPolicy::skip(std::string_view name) {
  std::vector<std::string> known;
  for (const InputFault fault : kFaults) {
    if (to_string(fault) == name) {
      skip_[static_cast<std::size_t>(fault)] = true;
      return;
    }
    known.emplace_back(to_string(fault));
  }
  const std::string near = nearest_name(name, known);
  throw Error(
      ErrorKind::kUsage, fmt::format("unknown fault of an input: '{}'", name),
      near.empty() ? fmt::format("one of: {}", fmt::join(known, ", ")) : fmt::format("did you mean '{}'?", near));
}

void require_utf8_name(const std::string& name) {
  REPRISE_REQUIRE(simdjson::validate_utf8(name), ErrorKind::kData,
                  fmt::format("name of an input file is not UTF-8: {}", name),
                  "rename the file, or the folder before it; documents and reports name it, and they are UTF-8");
}

std::vector<std::string> expand_glob(const std::string& pattern) {
  ::glob_t found{};
  const int status = ::glob(pattern.c_str(), GLOB_NOSORT | GLOB_ERR, nullptr, &found);
  const int reason = errno;
  std::vector<std::string> names;
  for (std::size_t i = 0; status == 0 && i < found.gl_pathc; ++i) names.emplace_back(found.gl_pathv[i]);
  ::globfree(&found);
  REPRISE_REQUIRE(status != GLOB_NOMATCH, ErrorKind::kData, fmt::format("no file matches: {}", pattern),
                  "check the pattern, and quote it so that the shell leaves it alone");
  REPRISE_REQUIRE(status == 0, ErrorKind::kIo,
                  fmt::format("cannot look for files: {}: {}", pattern, system_reason(reason)),
                  system_hint(reason, FileUse::kRead));
  return names;
}

std::vector<std::string> expand_inputs(std::span<const std::string> patterns) {
  std::vector<std::string> names;
  for (const std::string& pattern : patterns) {
    if (pattern.starts_with('@')) {
      expand_list(pattern.substr(1), names);
    } else {
      expand(pattern, names);
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (const std::string& name : names) require_utf8_name(name);
  return names;
}

}  // namespace reprise::data
