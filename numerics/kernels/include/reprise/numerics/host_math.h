#pragma once
// Our own binary64 functions for values computed once on the host: learning rates, RoPE frequencies, initial weights,
// bits per byte. glibc's are dispatched by processor and change with its version, so they never reach a weight.
// Only + - * / sqrt and fma of IEEE-754 are used: the same bits on every machine. Errors (ulp) in the contract.

namespace reprise::numerics {

double exact_exp(double x);
double exact_log(double x);
double exact_pow(double base, double exponent);  // base > 0
double exact_sin(double x);                      // |x| <= 2^20
double exact_cos(double x);
/// Inverse of the standard normal distribution function; 0 < p < 1.
double exact_inverse_normal(double p);
/// Standard normal distribution function.
double exact_normal(double x);

}  // namespace reprise::numerics
