#include "named_device.h"

#include <fmt/format.h>

#include <optional>

#include "reprise/core/error.h"
#include "reprise/numerics/find_device.h"

namespace reprise::conformance {

std::shared_ptr<numerics::Device> device_of_name(const std::string& name) {
  const std::optional<DeviceName> device = parse_device_name(name);
  REPRISE_REQUIRE(device, ErrorKind::kUsage, fmt::format("--device {}: there is no such device", name),
                  "cpu, cuda or cuda:N");
  return numerics::find_device(*device);
}

std::string usual_device() { return REPRISE_USUAL_DEVICE; }

}  // namespace reprise::conformance
