#include "reprise/core/device_name.h"

#include <charconv>

namespace reprise {

std::optional<DeviceName> parse_device_name(std::string_view name) {
  if (name == "cpu") return DeviceName{};
  if (name == "cuda") return DeviceName{.is_cpu = false, .index = std::nullopt};
  constexpr std::string_view kPrefix = "cuda:";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const std::string_view digits = name.substr(kPrefix.size());
  const char* const end = digits.data() + digits.size();
  int index = 0;
  const std::from_chars_result result = std::from_chars(digits.data(), end, index);
  if (result.ec != std::errc() || result.ptr != end || digits.front() == '-') return std::nullopt;
  return DeviceName{.is_cpu = false, .index = index};
}

}  // namespace reprise
