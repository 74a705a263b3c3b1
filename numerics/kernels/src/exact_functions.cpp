// The exact functions over arrays.

#include "reprise/numerics/exact_functions.h"

#include "dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "exact_functions.cpp"
#include <hwy/foreach_target.h>

#include "functions-inl.h"
#include "trigonometry-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

template <Vector (*function)(Vector)>
void apply(Index count, const float* x, float* y) {
  for (Index i = 0; i < count; i += kWidth) store_some(function(load_some(x + i, count - i)), y + i, count - i);
}

void exp_array(Index count, const float* x, float* y) { apply<exp_value>(count, x, y); }
void log_array(Index count, const float* x, float* y) { apply<log_value>(count, x, y); }
void sigmoid_array(Index count, const float* x, float* y) { apply<sigmoid_value>(count, x, y); }
void tanh_array(Index count, const float* x, float* y) { apply<tanh_value>(count, x, y); }
void erf_array(Index count, const float* x, float* y) { apply<erf_value>(count, x, y); }
void sin_array(Index count, const float* x, float* y) { apply<sin_value>(count, x, y); }
void cos_array(Index count, const float* x, float* y) { apply<cos_value>(count, x, y); }
void rsqrt_array(Index count, const float* x, float* y) { apply<rsqrt_value>(count, x, y); }

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::numerics {

void exact_exp(std::int64_t count, const float* x, float* y) { REPRISE_DISPATCH(exp_array)(count, x, y); }
void exact_log(std::int64_t count, const float* x, float* y) { REPRISE_DISPATCH(log_array)(count, x, y); }
void exact_sigmoid(std::int64_t count, const float* x, float* y) { REPRISE_DISPATCH(sigmoid_array)(count, x, y); }
void exact_tanh(std::int64_t count, const float* x, float* y) { REPRISE_DISPATCH(tanh_array)(count, x, y); }
void exact_erf(std::int64_t count, const float* x, float* y) { REPRISE_DISPATCH(erf_array)(count, x, y); }
void exact_sin(std::int64_t count, const float* x, float* y) { REPRISE_DISPATCH(sin_array)(count, x, y); }
void exact_cos(std::int64_t count, const float* x, float* y) { REPRISE_DISPATCH(cos_array)(count, x, y); }
void exact_rsqrt(std::int64_t count, const float* x, float* y) { REPRISE_DISPATCH(rsqrt_array)(count, x, y); }

}  // namespace reprise::numerics
#endif  // HWY_ONCE
