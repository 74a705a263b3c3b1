#include "reprise/core/philox.h"

namespace reprise {
namespace {

constexpr std::uint32_t kMultiplier0 = 0xD2511F53u;
constexpr std::uint32_t kMultiplier1 = 0xCD9E8D57u;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9u;
constexpr std::uint32_t kWeyl1 = 0xBB67AE85u;

PhiloxCounter round(const PhiloxCounter& c, const PhiloxKey& k) noexcept {
  const std::uint64_t product0 = static_cast<std::uint64_t>(kMultiplier0) * c[0];
  const std::uint64_t product1 = static_cast<std::uint64_t>(kMultiplier1) * c[2];
  return {static_cast<std::uint32_t>(product1 >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(product1),
          static_cast<std::uint32_t>(product0 >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(product0)};
}

}  // namespace

PhiloxCounter philox4x32_10(PhiloxCounter counter, PhiloxKey key) noexcept {
  for (int i = 0; i < 10; ++i) {
    if (i > 0) {
      key[0] += kWeyl0;
      key[1] += kWeyl1;
    }
    counter = round(counter, key);
  }
  return counter;
}

}  // namespace reprise
