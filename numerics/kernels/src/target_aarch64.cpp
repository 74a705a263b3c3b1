// What an aarch64 processor has, and the state of its FPCR.

#include <string>

#include "reprise/core/error.h"
#include "reprise/numerics/target.h"

namespace reprise::numerics {

std::vector<Target> available_targets() { return {Target::kPortable, Target::kNeon}; }  // NEON is in every aarch64

void check_floating_point_environment() {
  // FIZ, AH (alternate rules for subnormals and NaNs), RMode and FZ. FZ16 is of binary16 alone.
  constexpr std::uint64_t kFlushInputs = 1u << 0, kAlternate = 1u << 1, kRoundingMode = 3u << 22,
                          kFlushToZero = 1u << 24;
  std::uint64_t state = 0;
  __asm__ volatile("mrs %0, fpcr" : "=r"(state));
  if ((state & (kFlushInputs | kAlternate | kRoundingMode | kFlushToZero)) == 0) return;
  std::string what = "the floating-point environment of this thread was changed:";
  if (state & kFlushToZero) what += " flush-to-zero is on;";
  if (state & kFlushInputs) what += " denormals-are-zero is on;";
  if (state & kAlternate) what += " alternate handling of subnormals and NaNs is on;";
  if (state & kRoundingMode) what += " rounding is not to nearest;";
  throw Error(ErrorKind::kNumeric, what + fmt::format(" FPCR is {:#x}", state),
              "find the library in this process that was built with -ffast-math or that sets FPCR");
}

}  // namespace reprise::numerics
