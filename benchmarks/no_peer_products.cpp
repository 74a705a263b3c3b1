#include "peer_products.h"

namespace reprise::benchmarks {

std::unique_ptr<PeerProducts> make_peer_products(const numerics::Device&) { return nullptr; }
std::string peer_products_version() { return {}; }

}  // namespace reprise::benchmarks
