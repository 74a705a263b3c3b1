// What an x86-64 processor has, and the state of its MXCSR.

#include <immintrin.h>

#include <string>

#include "reprise/core/error.h"
#include "reprise/numerics/target.h"

namespace reprise::numerics {
namespace {

bool has_avx2() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2");
}

bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}

}  // namespace

std::vector<Target> available_targets() {
  std::vector<Target> targets{Target::kPortable};
  if (has_avx2()) targets.push_back(Target::kAvx2);
  if (has_avx512()) targets.push_back(Target::kAvx512);
  return targets;
}

void check_floating_point_environment() {
  constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040, kRoundingMode = 0x6000;
  const unsigned state = _mm_getcsr();
  if ((state & (kFlushToZero | kDenormalsAreZero | kRoundingMode)) == 0) return;
  std::string what = "the floating-point environment of this thread was changed:";
  if (state & kFlushToZero) what += " flush-to-zero is on;";
  if (state & kDenormalsAreZero) what += " denormals-are-zero is on;";
  if (state & kRoundingMode) what += " rounding is not to nearest;";
  throw Error(ErrorKind::kNumeric, what + fmt::format(" MXCSR is {:#06x}", state),
              "find the library in this process that was built with -ffast-math or that sets MXCSR");
}

}  // namespace reprise::numerics
