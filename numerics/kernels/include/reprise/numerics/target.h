#pragma once
// Which instruction set the kernels run on. Every target gives the same bits (docs/numeric_contract.md); the choice
// is speed alone. The environment variable REPRISE_TARGET (portable, avx2, avx512, neon) overrides the choice.

#include <string_view>
#include <vector>

namespace reprise::numerics {

enum class Target { kPortable, kAvx2, kAvx512, kNeon };

std::string_view to_string(Target target);

/// Returns the targets this processor can run, portable first.
std::vector<Target> available_targets();

/// Returns the target in use.
Target active_target();

/// Chooses a target for the whole process. Throws Error(kDevice) when the processor lacks it. For tests and benchmarks;
/// not while kernels run.
void set_active_target(Target target);

/// Throws Error(kNumeric) unless MXCSR (FPCR on aarch64) is in the state the contract needs: round to nearest, no flush
/// to zero, no denormals are zero. Called on each compute thread when a step starts.
void check_floating_point_environment();

}  // namespace reprise::numerics
