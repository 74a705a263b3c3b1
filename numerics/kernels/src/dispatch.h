#pragma once
// Chooses the instruction set of one call. Each kernel source is compiled once per target by Highway's foreach_target
// into the namespaces N_SCALAR, N_AVX2 and N_AVX3, or N_SCALAR and N_NEON; Highway's other x86 targets are left out,
// for they have no fused multiply-add. Include this before <hwy/foreach_target.h>.

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (~(HWY_SCALAR | HWY_AVX2 | HWY_AVX3 | HWY_NEON))

#include "reprise/numerics/target.h"

namespace reprise::numerics {

/// Returns the variant of a kernel for the active target, which is one that the processor has.
template <typename Function>
Function* choose_variant(Function* portable, Function* avx2_or_neon, Function* avx512) {
  switch (active_target()) {
    case Target::kAvx2:
    case Target::kNeon:
      return avx2_or_neon;
    case Target::kAvx512:
      return avx512;
    case Target::kPortable:
      break;
  }
  return portable;
}

}  // namespace reprise::numerics

/// Calls like a function: REPRISE_DISPATCH(Kernel)(arguments...). Used in the part compiled once.
#if defined(__aarch64__)
#define REPRISE_DISPATCH(kernel) (*choose_variant(&N_SCALAR::kernel, &N_NEON::kernel, &N_NEON::kernel))
#else
#define REPRISE_DISPATCH(kernel) (*choose_variant(&N_SCALAR::kernel, &N_AVX2::kernel, &N_AVX3::kernel))
#endif
