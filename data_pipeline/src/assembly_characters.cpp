#include "assembly_characters.h"

#include <algorithm>
#include <array>

namespace reprise::data {
namespace {

constexpr std::uint32_t kNumAscii = 0x80;

WordClass find_class(std::uint32_t code_point) {
  const std::span<const WordRange> ranges = word_class_ranges();
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), code_point,
                                      [](std::uint32_t value, const WordRange& range) { return value < range.first; });
  if (after == ranges.begin()) return WordClass::kNone;
  const WordRange& range = *(after - 1);
  return code_point <= range.last ? range.word_class : WordClass::kNone;
}

}  // namespace

WordClass word_class(std::uint32_t code_point) {
  static const std::array<WordClass, kNumAscii> ascii = [] {
    std::array<WordClass, kNumAscii> classes{};
    for (std::uint32_t i = 0; i < kNumAscii; ++i) classes[i] = find_class(i);
    return classes;
  }();
  return code_point < kNumAscii ? ascii[code_point] : find_class(code_point);
}

bool is_space(std::uint32_t code_point) {
  if (code_point < kNumAscii) {
    return code_point == ' ' || (code_point >= 0x09 && code_point <= 0x0D) ||
           (code_point >= 0x1C && code_point <= 0x1F);
  }
  return code_point == 0x85 || code_point == 0xA0 || code_point == 0x1680 ||
         (code_point >= 0x2000 && code_point <= 0x200A) || code_point == 0x2028 || code_point == 0x2029 ||
         code_point == 0x202F || code_point == 0x205F || code_point == 0x3000;
}

}  // namespace reprise::data
