#pragma once
// The text of a PTX file: its lines, what they declare, and their parts.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::ptx {

struct Line {
  std::uint32_t number;   // from 1
  std::string_view text;  // without comment and blanks around it; never empty
};

std::vector<Line> lines_of(std::string_view text);

std::string_view trimmed(std::string_view text);
bool starts_with(std::string_view text, std::string_view start);
/// The parts between blanks.
std::vector<std::string_view> words_of(std::string_view text);
/// The parts between `separator`, trimmed, brackets and braces kept together.
std::vector<std::string_view> parts_of(std::string_view text, char separator);

/// Throws Fault: "`problem`: the line".
[[noreturn]] void refuse(const Line& line, const std::string& problem);
std::int64_t number_of(const Line& line, std::string_view digits);

/// The size of a fundamental type [5.2.1] without its dot ("f32"): 0 of a predicate. Refuses others.
int bytes_of_type(const Line& line, std::string_view type);

/// A variable of the parameters' or of shared memory: ".shared .align 16 .b8 name[1024];".
struct Variable {
  std::string name;
  std::uint32_t alignment = 1;
  std::uint32_t bytes = 0;
  bool is_dynamic = false;  // "name[]"
};
Variable variable_of(const Line& line);

}  // namespace reprise::ptx
