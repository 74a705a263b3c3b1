#include "traffic.h"

#include <algorithm>
#include <array>
#include <vector>

namespace reprise::ptx {
namespace {

constexpr std::uint64_t kBanks = 32, kWordBytes = 4, kSectorBytes = 32;

/// The different units of `unit` bytes that the accesses touch.
std::vector<std::uint64_t> units_of(std::span<const std::uint64_t> addresses, int bytes, std::uint64_t unit) {
  std::vector<std::uint64_t> units;
  for (const std::uint64_t address : addresses) {
    const std::uint64_t last = (address + static_cast<std::uint64_t>(bytes) - 1) / unit;
    for (std::uint64_t i = address / unit; i <= last; ++i) units.push_back(i);
  }
  std::sort(units.begin(), units.end());
  units.erase(std::unique(units.begin(), units.end()), units.end());
  return units;
}

}  // namespace

Traffic shared_traffic(std::span<const std::uint64_t> addresses, int bytes) {
  const std::size_t together = static_cast<std::size_t>(32 * 4 / std::max(bytes, 4));
  Traffic traffic;
  for (std::size_t begin = 0; begin < addresses.size(); begin += together) {
    std::array<std::uint64_t, kBanks> words{};
    for (const std::uint64_t word :
         units_of(addresses.subspan(begin, std::min(together, addresses.size() - begin)), bytes, kWordBytes)) {
      ++words[word % kBanks];
    }
    traffic.moved += *std::max_element(words.begin(), words.end());
    traffic.least += 1;
  }
  return traffic;
}

Traffic global_traffic(std::span<const std::uint64_t> addresses, int bytes) {
  const std::uint64_t touched = units_of(addresses, bytes, 1).size();
  return {units_of(addresses, bytes, kSectorBytes).size(), (touched + kSectorBytes - 1) / kSectorBytes};
}

}  // namespace reprise::ptx
