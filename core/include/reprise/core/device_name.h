#pragma once
// The names of devices in configs and flags: "cpu", "cuda", "cuda:N".

#include <optional>
#include <string_view>

namespace reprise {

struct DeviceName {
  bool is_cpu = true;
  std::optional<int> index;  // of a GPU that is named by its number
  bool operator==(const DeviceName&) const = default;
};

/// Returns what a name says; none where it is none. Whether there is such a device is another question.
std::optional<DeviceName> parse_device_name(std::string_view name);

}  // namespace reprise
