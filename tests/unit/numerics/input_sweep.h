#pragma once
// The binary32 functions under test: what the contract publishes of them, the scalar reference and the binary64 truth.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "reference/reference.h"
#include "reprise/numerics/function_digests.h"

namespace input_sweep {

struct Function {
  std::string name;
  void (*kernel)(std::int64_t, const float*, float*);
  float (*reference)(float);
  double (*truth)(double);
  double max_ulp;  // the published figure, and what its four digits may have cut
  std::string digest;
};

/// What a test's parameter is called when it fails.
inline std::ostream& operator<<(std::ostream& out, const Function& function) { return out << function.name; }

inline double true_sigmoid(double x) {
  return x < 0.0 ? std::exp(x) / (1.0 + std::exp(x)) : 1.0 / (1.0 + std::exp(-x));
}

/// Sine and cosine are defined for |x| <= 2^17.
inline double in_range(double x, double y) {
  return std::fabs(x) <= 0x1p17 ? y : std::numeric_limits<double>::quiet_NaN();
}

struct Oracle {
  const char* name;
  float (*reference)(float);
  double (*truth)(double);
};

inline const Oracle kOracles[] = {
    {"exp", reference::exp, [](double x) { return std::exp(x); }},
    {"log", reference::log, [](double x) { return std::log(x); }},
    {"sigmoid", reference::sigmoid, true_sigmoid},
    {"tanh", reference::tanh, [](double x) { return std::tanh(x); }},
    {"erf", reference::erf, [](double x) { return std::erf(x); }},
    {"sin", reference::sin, [](double x) { return in_range(x, std::sin(x)); }},
    {"cos", reference::cos, [](double x) { return in_range(x, std::cos(x)); }},
    {"rsqrt", reference::rsqrt, [](double x) { return 1.0 / std::sqrt(x); }},
};

/// Returns every published function; one without an oracle is an error.
inline std::vector<Function> functions() {
  std::vector<Function> all;
  for (const auto& published : reprise::numerics::published_functions()) {
    const auto* oracle = std::find_if(std::begin(kOracles), std::end(kOracles),
                                      [&](const Oracle& candidate) { return candidate.name == published.name; });
    if (oracle == std::end(kOracles)) throw std::logic_error("no oracle for " + std::string(published.name));
    all.push_back({std::string(published.name), published.evaluate, oracle->reference, oracle->truth,
                   published.largest_error_ulp + 0.00005, std::string(published.all_digest)});
  }
  return all;
}

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
