#pragma once
// The exact functions of one float per thread [C-6], [C-7], [C-8], [C-31] to [C-34]: the source that CPUs compile.

#include "one_lane.h"
// and then what is written in its words:
#include "functions-inl.h"
#include "trigonometry-inl.h"

namespace reprise::numerics::cuda {

using one_lane::cos_value;
using one_lane::erf_value;
using one_lane::exp_value;
using one_lane::log_value;
using one_lane::rsqrt_value;
using one_lane::sigmoid_value;
using one_lane::sin_value;
using one_lane::tanh_value;

}  // namespace reprise::numerics::cuda
