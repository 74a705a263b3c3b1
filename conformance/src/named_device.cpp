#include "named_device.h"

#include <fmt/format.h>

#include <charconv>

#include "reprise/core/error.h"

namespace reprise::conformance {

std::shared_ptr<numerics::Device> device_of_name(const std::string& name) {
  if (name == "cpu") return {&numerics::cpu_device(), [](numerics::Device*) {}};
  int index = 0;
  const std::string prefix = "cuda:";
  if (name.rfind(prefix, 0) == 0) {
    const char* const end = name.data() + name.size();
    const auto result = std::from_chars(name.data() + prefix.size(), end, index);
    if (result.ec == std::errc() && result.ptr == end) return numerics::make_cuda_device(index);
  } else if (name == "cuda") {
    return numerics::make_cuda_device(0);
  }
  throw Error(ErrorKind::kUsage, fmt::format("--device {}: there is no such device", name), "cpu, cuda or cuda:N");
}

std::string usual_device() { return REPRISE_USUAL_DEVICE; }

}  // namespace reprise::conformance
