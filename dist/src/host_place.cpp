#include "reprise/dist/host_place.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "gather_values.h"

namespace reprise::dist {

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

HostPlace place_on_host(Communicator& communicator) {
  using HostName = std::array<char, 256>;
  HostName host{};
  ::gethostname(host.data(), host.size() - 1);
  const std::vector<HostName> hosts = gather_values(communicator, host);
  return {static_cast<int>(std::count(hosts.begin(), hosts.begin() + communicator.rank(), host)),
          static_cast<int>(std::count(hosts.begin(), hosts.end(), host))};
}

}  // namespace reprise::dist
