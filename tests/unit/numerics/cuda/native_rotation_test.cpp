// The native profile's norms with a rotation behind them on the emulated GPU.

#include "native_norm_case.h"

namespace reprise::numerics {
namespace {

struct Shape {
  std::int64_t num_rows, length, num_heads, head_dim;
  std::int64_t dim() const { return num_heads * head_dim; }
};

// Halves of a head that are packs of 8, and others; rows a warp keeps (to 1024), or a block, or that are read again.
constexpr Shape kShapes[] = {{0, 3, 2, 64},   {1, 1, 1, 2},   {5, 3, 3, 2},    {7, 7, 2, 8},
                             {9, 4, 5, 16},   {35, 6, 3, 8},  {40, 16, 1, 24}, {300, 7, 1, 16},
                             {70, 32, 2, 64}, {3, 2, 6, 128}, {3, 8, 16, 64},  {2, 2, 17, 64},
                             {34, 3, 9, 128}, {2, 2, 33, 64}, {3, 3, 40, 128}, {1, 4, 65, 128}};

struct Angles {
  std::vector<float> cos, sin;
};

Angles angles_of(const Shape& shape) {
  Angles all;
  for (std::int64_t i = 0; i < shape.length * shape.head_dim / 2; ++i) {
    all.cos.push_back(static_cast<float>(std::cos(0.7 * static_cast<double>(i))));
    all.sin.push_back(static_cast<float>(std::sin(0.7 * static_cast<double>(i))));
  }
  return all;
}

/// Outputs: y, inverse_rms, dx, dweight.
UseKernel rotated_norm(const NormProblem& problem, const Shape& shape, std::size_t angle_offset = 0) {
  return [=](NativeCase& on, OperandType type) {
    const NativeNorm norm = norm_of(on, type, problem, 0);
    const Angles angles = angles_of(shape);
    const NativeRotation rotation{shape.length, shape.head_dim, on.input(angles.cos, angle_offset),
                                  on.input(angles.sin, angle_offset)};
    const std::int64_t count = problem.num_rows * problem.dim;
    const void* const x = on.input(type, problem.x);
    void* const y = on.output(type, count);
    float* const inverse_rms = on.output(problem.num_rows);
    on.kernels().norm_rotate_forward(norm, rotation, x, y, inverse_rms);
    void* const dx = on.output(type, count);
    float* const dweight = on.output(problem.dim);
    on.kernels().norm_rotate_backward(norm, rotation, on.input(type, problem.dy), x, inverse_rms, dx, dweight);
  };
}

/// Rotates each head's pairs; back with a sign of -1.
std::vector<double> rotated(const std::vector<double>& values, const Shape& shape, double sign) {
  const Angles angles = angles_of(shape);
  std::vector<double> result(values.size());
  const std::int64_t half = shape.head_dim / 2;
  for (std::int64_t row = 0; row < shape.num_rows; ++row) {
    for (std::int64_t head = 0; head < shape.num_heads; ++head) {
      for (std::int64_t i = 0; i < half; ++i) {
        const auto a = static_cast<std::size_t>(row * shape.dim() + head * shape.head_dim + i);
        const auto b = a + static_cast<std::size_t>(half);
        const auto angle = static_cast<std::size_t>(row % shape.length * half + i);
        const double c = angles.cos[angle], s = sign * angles.sin[angle];
        result[a] = values[a] * c - values[b] * s;
        result[b] = values[b] * c + values[a] * s;
      }
    }
  }
  return result;
}

void expect_reference(const Results& found, const NormProblem& problem, const Shape& shape, OperandType type) {
  const OperandType float32 = OperandType::kFloat32;
  const NormReference expected = norm_reference(problem, rotated({problem.dy.begin(), problem.dy.end()}, shape, -1.0));
  expect_near(found[0], rotated(expected.normal, shape, 1.0), type, 1.0, "y");
  expect_near(found[1], expected.inverse_rms, float32, 0.0, "inverse_rms");
  expect_near_rows(found[2], expected.dx, type, expected.inverse_rms, "dx");
  expect_near(found[3], expected.dweight, float32, std::sqrt(static_cast<double>(shape.num_rows)), "dweight");
}

TEST(NativeRotation, ValuesAndGradientsAreThoseOfDoublePrecision) {
  for (const Shape& shape : kShapes) {
    const NormProblem problem = random_norm(shape.num_rows, shape.dim());
    for (const OperandType type : kOperandTypes) {
      SCOPED_TRACE(testing::Message() << shape.num_rows << " rows, length " << shape.length << ", " << shape.num_heads
                                      << " x " << shape.head_dim << " of type " << static_cast<int>(type));
      expect_reference(repeated_results(type, rotated_norm(problem, shape)), problem, shape, type);
    }
  }
}

TEST(NativeRotation, AnglesMayLieAnywhere) {
  const Shape shape{5, 3, 2, 64};
  const NormProblem problem = random_norm(5, shape.dim());
  for (const OperandType type : kOperandTypes) {
    expect_reference(results_of("forward", type, rotated_norm(problem, shape, 1)), problem, shape, type);
  }
}

TEST(NativeRotation, Bfloat16IsFloat32RoundedOnce) {
  for (const Shape& shape : {Shape{3, 2, 3, 6}, Shape{3, 2, 12, 64}, Shape{3, 2, 17, 64}}) {
    const NormProblem problem = random_norm(shape.num_rows, shape.dim());
    Results expected = results_of("forward", OperandType::kFloat32, rotated_norm(problem, shape));
    for (const std::size_t output : {0u, 2u}) {
      for (float& x : expected[output]) x = rounded_to(OperandType::kBfloat16, x);
    }
    expect_bits(results_of("forward", OperandType::kBfloat16, rotated_norm(problem, shape)), expected);
  }
}

}  // namespace
}  // namespace reprise::numerics
