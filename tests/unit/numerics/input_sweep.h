#pragma once
// The binary32 functions under test, with their binary64 truth, the bound of the contract and the digest of all 2^32
// outputs that the contract publishes.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "reference/reference.h"
#include "reprise/numerics/exact_functions.h"

namespace input_sweep {

struct Function {
  const char* name;
  void (*kernel)(std::int64_t, const float*, float*);
  float (*reference)(float);
  double (*truth)(double);
  double max_ulp;
  const char* digest;  // SHA-256 of the outputs of the inputs 0x00000000 to 0xffffffff, four bytes each, low byte first
};

inline double true_sigmoid(double x) {
  return x < 0.0 ? std::exp(x) / (1.0 + std::exp(x)) : 1.0 / (1.0 + std::exp(-x));
}

inline const Function kFunctions[] = {
    {"exp", reprise::numerics::exact_exp, reference::exp, static_cast<double (*)(double)>(std::exp), 1.0418,
     "3e5fb9cdd9dc6de89344d185c61f77aef18936d325c24e59d39362ddb2e3120e"},
    {"log", reprise::numerics::exact_log, reference::log, static_cast<double (*)(double)>(std::log), 0.8218,
     "96626cac8df7b52809f290ec9a4184f5ba9417124f98be571422b10333cab49e"},
    {"sigmoid", reprise::numerics::exact_sigmoid, reference::sigmoid, true_sigmoid, 0.8187,
     "bdbdab130e53646431a43a64426d1a456200fe44bbabf50c79ecab677624a672"},
    {"tanh", reprise::numerics::exact_tanh, reference::tanh, static_cast<double (*)(double)>(std::tanh), 1.3474,
     "0fc3ad6a9aff77475705feac9c4a1fdf0202c2573c7621f1440890e594207db9"},
    {"erf", reprise::numerics::exact_erf, reference::erf, static_cast<double (*)(double)>(std::erf), 0.8927,
     "392b743b252a6d316efceb281bfade56cfc38152a6d03306d47f93576402c626"},
};

/// Distance of y from the binary64 truth in units of the last place of the truth; 0 where both are NaN or the same
/// infinity, huge where only one is. A truth beyond the largest finite value counts as the binade above it.
inline double ulp_error(const Function& function, float x, float y) {
  const double truth = function.truth(static_cast<double>(x));
  if (std::isnan(truth) || std::isnan(y)) return std::isnan(truth) && std::isnan(y) ? 0.0 : 1e30;
  if (std::isinf(y) && std::fabs(truth) >= 0x1.ffffffp127) return std::signbit(y) == std::signbit(truth) ? 0.0 : 1e30;
  if (std::isinf(truth) || std::isinf(y)) return 1e30;
  const int exponent = truth == 0.0 ? -126 : std::max(std::ilogb(truth), -126);
  return std::fabs(static_cast<double>(y) - truth) * std::ldexp(1.0, 23 - exponent);
}

}  // namespace input_sweep
