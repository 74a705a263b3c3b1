#include <fmt/format.h>

#include <charconv>

#include "reprise/core/error.h"
#include "reprise/dist/host_place.h"
#include "reprise/train/compute_settings.h"

namespace reprise::train {

std::shared_ptr<numerics::Device> find_gpu(const std::string& name, dist::Communicator& communicator) {
  const dist::HostPlace place = dist::place_on_host(communicator);
  if (name == "cuda") {
    const int count = numerics::num_cuda_devices();
    // One alone is taken: Slurm shows every task its own.
    REPRISE_REQUIRE(count <= 1 || count >= place.num_ranks, ErrorKind::kDevice,
                    fmt::format("{} ranks run on this machine, which has {} GPUs", place.num_ranks, count),
                    "start at most as many ranks on a machine as it has GPUs");
    return numerics::make_cuda_device(count <= 1 ? 0 : place.index);
  }
  const std::string prefix = "cuda:";
  int index = 0;
  const char* const end = name.data() + name.size();
  const bool named = name.rfind(prefix, 0) == 0;
  const auto parsed = std::from_chars(named ? name.data() + prefix.size() : end, end, index);
  REPRISE_REQUIRE(named && parsed.ec == std::errc() && parsed.ptr == end, ErrorKind::kUsage,
                  fmt::format("runtime.device: there is no device \"{}\"", name), "cpu, cuda or cuda:N");
  return numerics::make_cuda_device(index);
}

}  // namespace reprise::train
