#include "source.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "module.h"

namespace reprise::ptx {
namespace {

constexpr std::string_view kBlanks = " \t\r";

}  // namespace

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool starts_with(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  for (std::uint32_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view statement = trimmed(line.substr(0, line.find("//")));
    if (!statement.empty()) lines.push_back({number, statement});
  }
  return lines;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!(text = trimmed(text)).empty()) {
    const std::size_t end = std::min(text.find_first_of(kBlanks), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size()) {
      if (text[i] == '{' || text[i] == '[') ++depth;
      if (text[i] == '}' || text[i] == ']') --depth;
      if (text[i] != separator || depth != 0) continue;
    }
    const std::string_view part = trimmed(text.substr(begin, i - begin));
    if (!part.empty()) parts.push_back(part);
    begin = i + 1;
  }
  return parts;
}

void refuse(const Line& line, const std::string& problem) {
  throw Fault("line " + std::to_string(line.number) + ": " + problem + ": " + std::string(line.text));
}

std::int64_t number_of(const Line& line, std::string_view digits) {
  const bool negative = starts_with(digits, "-");
  if (negative) digits.remove_prefix(1);
  int base = 10;
  if (starts_with(digits, "0x")) {
    base = 16;
    digits.remove_prefix(2);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) refuse(line, "not a number");
  return static_cast<std::int64_t>(negative ? ~value + 1 : value);
}

int bytes_of_type(const Line& line, std::string_view type) {
  if (type == "pred") return 0;
  for (const auto& [digits, bytes] : {std::pair{"8", 1}, {"16", 2}, {"32", 4}, {"64", 8}}) {
    if (type.substr(1) != digits) continue;
    if (type[0] == 'b' || type[0] == 'u' || type[0] == 's' || (type[0] == 'f' && bytes == 4)) return bytes;
  }
  refuse(line, "not a type that kernels have");
}

Variable variable_of(const Line& line) {
  Variable variable;
  std::string_view text = line.text;
  while (!text.empty() && (text.back() == ',' || text.back() == ';')) text.remove_suffix(1);
  std::uint32_t bytes_each = 0;
  const std::vector<std::string_view> words = words_of(text);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == ".extern" || words[i] == ".param" || words[i] == ".shared") continue;
    if (words[i] == ".align") {
      variable.alignment = static_cast<std::uint32_t>(number_of(line, words.at(++i)));
    } else if (words[i][0] == '.') {
      bytes_each = static_cast<std::uint32_t>(bytes_of_type(line, words[i].substr(1)));
    } else {
      variable.name = words[i];
    }
  }
  variable.bytes = bytes_each;
  if (const std::size_t bracket = variable.name.find('['); bracket != std::string::npos) {
    const std::string count = variable.name.substr(bracket + 1, variable.name.size() - bracket - 2);
    variable.name.resize(bracket);
    variable.is_dynamic = count.empty();
    variable.bytes = count.empty() ? 0 : bytes_each * static_cast<std::uint32_t>(number_of(line, count));
  }
  variable.alignment = std::max(variable.alignment, bytes_each);
  if (variable.name.empty()) refuse(line, "a variable without a name");
  return variable;
}

}  // namespace reprise::ptx
