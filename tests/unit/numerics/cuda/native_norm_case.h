#pragma once
// RMSNorm and its gradients in double precision, row by row.

#include "native_case.h"

namespace reprise::numerics {

inline constexpr float kNormEpsilon = 1e-5f;

struct NormProblem {
  std::int64_t num_rows, dim;
  std::vector<float> x, weight, residual, dy;  // dy: of the whole result
};

/// One row is zero, and one is small, so that epsilon counts.
inline NormProblem random_norm(std::int64_t num_rows, std::int64_t dim) {
  NormProblem problem{num_rows,
                      dim,
                      operand_values(num_rows * dim, 1),
                      random_values(dim, 2),
                      random_values(num_rows * dim, 3),
                      operand_values(num_rows * dim, 4)};
  for (float& x : problem.weight) x = 1.0f + 0.25f * x;
  const auto size = static_cast<std::size_t>(dim);
  for (std::size_t i = 0; i < size; ++i) {
    if (num_rows > 1) problem.x[size + i] = 0.0f;
    if (num_rows > 2) problem.x[2 * size + i] *= 0x1p-8f;
  }
  return problem;
}

struct NormReference {
  std::vector<double> normal, inverse_rms, dx, dweight;  // normal: weight and all
};

/// `dnormal`: the gradient of what the norm gives.
inline NormReference norm_reference(const NormProblem& problem, const std::vector<double>& dnormal) {
  const auto dim = static_cast<std::size_t>(problem.dim);
  NormReference all;
  all.dweight.assign(dim, 0.0);
  for (std::size_t begin = 0; begin < problem.x.size(); begin += dim) {
    const float* const x = problem.x.data() + begin;
    double squares = 0, dot = 0;
    for (std::size_t i = 0; i < dim; ++i) squares += static_cast<double>(x[i]) * x[i];
    const double inverse = 1 / std::sqrt(squares / static_cast<double>(dim) + static_cast<double>(kNormEpsilon));
    for (std::size_t i = 0; i < dim; ++i) {
      all.normal.push_back(x[i] * inverse * problem.weight[i]);
      all.dweight[i] += dnormal[begin + i] * x[i] * inverse;
      dot += dnormal[begin + i] * problem.weight[i] * x[i] * inverse;
    }
    all.inverse_rms.push_back(inverse);
    const double mean = dot / static_cast<double>(dim);
    for (std::size_t i = 0; i < dim; ++i) {
      all.dx.push_back(inverse * (dnormal[begin + i] * problem.weight[i] - x[i] * inverse * mean));
    }
  }
  return all;
}

inline NativeNorm norm_of(NativeCase& on, OperandType type, const NormProblem& problem, std::size_t weight_offset) {
  return {type, problem.num_rows, problem.dim, on.input(problem.weight, weight_offset), kNormEpsilon};
}

/// dx as large as the inverse of a small row makes it; each row is measured by its own.
inline void expect_near_rows(const std::vector<float>& found, const std::vector<double>& expected, OperandType type,
                             const std::vector<double>& inverse_rms, const char* what) {
  if (inverse_rms.empty()) {
    EXPECT_TRUE(found.empty());
    return;
  }
  const std::size_t dim = expected.size() / inverse_rms.size();
  for (std::size_t row = 0; row < inverse_rms.size(); ++row) {
    SCOPED_TRACE(testing::Message() << "row " << row);
    const auto first = static_cast<std::ptrdiff_t>(row * dim), last = static_cast<std::ptrdiff_t>((row + 1) * dim);
    expect_near({found.begin() + first, found.begin() + last}, {expected.begin() + first, expected.begin() + last},
                type, inverse_rms[row], what);
  }
}

}  // namespace reprise::numerics
