#include "device_flag.h"

#include <fmt/format.h>

#include "reprise/core/device_name.h"
#include "reprise/core/error.h"

namespace reprise::app {

void add_device_flag(CLI::App& verb, std::string& device, const std::string& help) {
  device = "cpu";
  verb.add_option("--device", device, help)->capture_default_str()->each([](const std::string& name) {
    REPRISE_REQUIRE(parse_device_name(name), ErrorKind::kUsage,
                    fmt::format("--device {}: there is no such device", name), "cpu, cuda or cuda:N");
  });
}

}  // namespace reprise::app
