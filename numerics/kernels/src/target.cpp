#include "reprise/numerics/target.h"

#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string>

#include "reprise/core/error.h"

namespace reprise::numerics {
namespace {

constexpr Target kTargets[] = {Target::kPortable, Target::kAvx2, Target::kAvx512};

bool has_avx2() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2");
}

bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}

void require_available(Target target, const std::string& asked_by) {
  const std::vector<Target> available = available_targets();
  if (std::find(available.begin(), available.end(), target) != available.end()) return;
  throw Error(
      ErrorKind::kDevice,
      "this processor cannot run the instruction set asked for by " + asked_by + ": " + std::string(to_string(target)),
      "use " + std::string(to_string(available.back())) + "; every target gives the same bits");
}

Target initial_target() {
  const char* name = std::getenv("REPRISE_TARGET");
  if (name == nullptr || *name == '\0') return available_targets().back();
  for (const Target target : kTargets) {
    if (to_string(target) != name) continue;
    require_available(target, "REPRISE_TARGET");
    return target;
  }
  throw Error(ErrorKind::kUsage, "REPRISE_TARGET names no instruction set: " + std::string(name),
              "set it to portable, avx2 or avx512, or unset it");
}

std::atomic<Target>& current_target() {
  static std::atomic<Target> target{initial_target()};
  return target;
}

}  // namespace

std::string_view to_string(Target target) {
  switch (target) {
    case Target::kPortable:
      return "portable";
    case Target::kAvx2:
      return "avx2";
    case Target::kAvx512:
      return "avx512";
  }
  return "unknown";
}

std::vector<Target> available_targets() {
  std::vector<Target> targets{Target::kPortable};
  if (has_avx2()) targets.push_back(Target::kAvx2);
  if (has_avx512()) targets.push_back(Target::kAvx512);
  return targets;
}

Target active_target() { return current_target().load(std::memory_order_relaxed); }

void set_active_target(Target target) {
  require_available(target, "set_active_target");
  current_target().store(target, std::memory_order_relaxed);
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
