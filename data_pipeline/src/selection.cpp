#include "reprise/data_pipeline/selection.h"

#include <cmath>
#include <cstdint>

#include "reprise/core/hash.h"

namespace reprise::data {

bool is_held_out(std::string_view id, double fraction) {
  const Digest digest = Sha256().update("reprise.held_out.v1").update(id).finish();
  std::uint64_t value = 0;
  for (int k = 0; k < 8; ++k) value = value << 8 | digest.bytes[static_cast<std::size_t>(k)];
  // Scaling by a power of two is exact, and value < x is value < ceil(x) for an integer value.
  const double bound = std::ceil(std::ldexp(fraction, 64));
  if (bound >= 0x1p64) return true;
  return bound > 0 && value < static_cast<std::uint64_t>(bound);
}

}  // namespace reprise::data
