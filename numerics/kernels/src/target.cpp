#include "reprise/numerics/target.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string>

#include "reprise/core/error.h"

namespace reprise::numerics {
namespace {

constexpr Target kTargets[] = {Target::kPortable, Target::kAvx2, Target::kAvx512, Target::kNeon};

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
              "set it to portable, avx2, avx512 or neon, or unset it");
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
    case Target::kNeon:
      return "neon";
  }
  return "unknown";
}

Target active_target() { return current_target().load(std::memory_order_relaxed); }

void set_active_target(Target target) {
  require_available(target, "set_active_target");
  current_target().store(target, std::memory_order_relaxed);
}

}  // namespace reprise::numerics
