#include "eval_examples.h"

#include <simdjson.h>

#include <vector>

#include "byte_source.h"
#include "reprise/core/byte_order_mark.h"
#include "reprise/core/error.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

using Texts = std::vector<std::string_view>;

void collect_strings(const simdjson::dom::element& value, Texts& texts) {
  std::string_view text;
  simdjson::dom::array array;
  simdjson::dom::object object;
  if (value.get(text) == simdjson::SUCCESS) {
    texts.push_back(text);
  } else if (value.get(array) == simdjson::SUCCESS) {
    for (const simdjson::dom::element item : array) collect_strings(item, texts);
  } else if (value.get(object) == simdjson::SUCCESS) {
    for (const auto& field : object) collect_strings(field.value, texts);
  }
}

template <typename Visit>
void for_each_line(std::string_view content, Visit visit) {
  std::uint64_t number = 0;
  for (std::size_t begin = 0; begin < content.size();) {
    const std::size_t end = std::min(content.find('\n', begin), content.size());
    visit(++number, content.substr(begin, end - begin));
    begin = end + 1;
  }
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

[[noreturn]] void fail_json(const std::string& place, simdjson::error_code error, const char* hint) {
  throw Error(ErrorKind::kData,
              fmt::format("evaluation file is not JSON ({}): {}", simdjson::error_message(error), place), hint);
}

void visit_json_lines(std::string_view content, const std::string& path, const ExampleVisitor& visit) {
  simdjson::dom::parser parser;
  Texts texts;
  for_each_line(content, [&](std::uint64_t number, std::string_view line) {
    if (is_blank(line)) return;
    simdjson::dom::element root;
    const auto error = parser.parse(line.data(), line.size()).get(root);
    if (error != simdjson::SUCCESS) {
      fail_json(fmt::format("{}:{}", path, number), error, "`jq -c . FILE > FIXED` writes one object a line");
    }
    texts.clear();
    collect_strings(root, texts);
    visit(number, texts);
  });
}

/// The arrays that are not inside another one, in the order of the file: an object may hold several, such as those of
/// its splits, or lists of keywords beside its examples.
void collect_arrays(const simdjson::dom::element& value, std::vector<simdjson::dom::array>& arrays) {
  simdjson::dom::array array;
  simdjson::dom::object object;
  if (value.get(array) == simdjson::SUCCESS) {
    arrays.push_back(array);
  } else if (value.get(object) == simdjson::SUCCESS) {
    for (const auto& field : object) collect_arrays(field.value, arrays);
  }
}

void visit_json(std::string_view content, const std::string& path, const ExampleVisitor& visit) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const auto error = parser.parse(content.data(), content.size()).get(root);
  if (error != simdjson::SUCCESS) {
    fail_json(path, error, "a file of JSON lines, which holds one object a line, has a name that ends in .jsonl");
  }
  std::vector<simdjson::dom::array> arrays;
  collect_arrays(root, arrays);
  REPRISE_REQUIRE(!arrays.empty(), ErrorKind::kData, fmt::format("evaluation file holds no array: {}", path),
                  "its examples should be the elements of an array");
  std::uint64_t number = 0;
  Texts texts;
  for (const simdjson::dom::array& array : arrays) {
    for (const simdjson::dom::element item : array) {
      texts.clear();
      collect_strings(item, texts);
      ++number;
      // A number in a list of labels, say: nothing to look for, and so nothing too short to look for.
      if (!texts.empty()) visit(number, texts);
    }
  }
}

/// Fields of RFC 4180; a doubled quote inside a field stays doubled, which normalisation does not see.
void visit_csv(std::string_view content, const ExampleVisitor& visit) {
  std::uint64_t number = 0;
  Texts texts;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= content.size(); ++i) {
    const bool at_end = i == content.size();
    if (!at_end && content[i] == '"') quoted = !quoted;
    if (!at_end && (quoted || (content[i] != ',' && content[i] != '\n'))) continue;
    texts.push_back(content.substr(begin, i - begin));
    begin = i + 1;
    if (!at_end && content[i] == ',') continue;
    if (!is_blank(texts[0]) || texts.size() > 1) visit(++number, texts);
    texts.clear();
  }
}

std::string without_packing(const std::filesystem::path& path) {
  const std::filesystem::path name = path.filename();
  return compression_of(name) == Compression::kNone ? name.string() : name.stem().string();
}

}  // namespace

Digest for_each_example(const std::filesystem::path& path, const ExampleVisitor& visit, std::uint64_t max_bytes) {
  const std::string bytes = whole_content(path, max_bytes);
  std::string storage;
  const std::string_view content = without_byte_order_mark(well_formed_utf8(bytes, storage));
  const std::string name = without_packing(path);
  if (name.ends_with(".jsonl") || name.ends_with(".ndjson")) {
    visit_json_lines(content, path.string(), visit);
  } else if (name.ends_with(".json")) {
    visit_json(content, path.string(), visit);
  } else if (name.ends_with(".csv")) {
    visit_csv(content, visit);
  } else if (name.ends_with(".txt")) {
    for_each_line(content, [&](std::uint64_t number, std::string_view line) {
      if (!is_blank(line)) visit(number, std::span(&line, 1));
    });
  } else {
    throw Error(ErrorKind::kData, fmt::format("unknown type of evaluation file: {}", path.string()),
                "examples are read from .jsonl, .ndjson, .json, .csv and .txt; .gz or .zst may stand behind");
  }
  return sha256(std::string_view(bytes));
}

std::string task_name(const std::filesystem::path& path) {
  const std::string name = std::filesystem::path(without_packing(path)).stem().string();
  const std::string folder = path.parent_path().filename().string();
  for (const std::string_view split : {"test", "val", "dev", "train"}) {
    if (name.starts_with(split) && !folder.empty()) return folder + "/" + name;
  }
  return name;
}

}  // namespace reprise::data
