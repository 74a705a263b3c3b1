#pragma once
// Which ranks share a machine: those whose host has the same name.

#include <string>

#include "reprise/dist/communicator.h"

namespace reprise::dist {

struct HostPlace {
  int index = 0;      // of this rank among the ranks of its machine
  int num_ranks = 1;  // of this machine
};

/// The name of this machine; empty where it has none.
std::string host_name();

/// Collective.
HostPlace place_on_host(Communicator& communicator);

}  // namespace reprise::dist
