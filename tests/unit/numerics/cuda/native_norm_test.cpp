// The native profile's norms without rotation on the emulated GPU.

#include "native_norm_case.h"

namespace reprise::numerics {
namespace {

struct Shape {
  std::int64_t num_rows, dim;
};

// Rows a warp, a block, or neither keeps in registers (to 1024, 2048, 8192), and such as are read element by element;
// rows around the 8 of a block forwards and the 32 of one backwards.
constexpr Shape kShapes[] = {{0, 8},    {0, 7},     {1, 1},    {3, 7},    {3, 16},   {1, 24},
                             {9, 40},   {33, 16},   {300, 8},  {70, 9},   {3, 768},  {2, 1000},
                             {2, 1024}, {33, 1032}, {2, 2048}, {2, 2056}, {1, 8192}, {2, 8200}};

/// Outputs: y, inverse_rms, dx, dweight.
UseKernel plain_norm(const NormProblem& problem, std::size_t weight_offset = 0) {
  return [=](NativeCase& on, OperandType type) {
    const NativeNorm norm = norm_of(on, type, problem, weight_offset);
    const std::int64_t count = problem.num_rows * problem.dim;
    const float* const x = on.input(problem.x);
    void* const y = on.output(type, count);
    float* const inverse_rms = on.output(problem.num_rows);
    on.kernels().norm_forward(norm, x, y, inverse_rms);
    float* const dx = on.output(count);
    float* const dweight = on.output(problem.dim);
    on.kernels().norm_backward(norm, on.input(type, problem.dy), x, inverse_rms, dx, dweight);
  };
}

/// Outputs: sum, inverse_rms, dx, dweight.
UseKernel added_norm(const NormProblem& problem, std::size_t weight_offset = 0) {
  return [=](NativeCase& on, OperandType type) {
    const NativeNorm norm = norm_of(on, type, problem, weight_offset);
    const std::int64_t count = problem.num_rows * problem.dim;
    const void* const x = on.input(type, problem.x);
    float* const sum = on.output(count);
    float* const inverse_rms = on.output(problem.num_rows);
    on.kernels().norm_add_forward(norm, on.input(problem.residual), x, sum, inverse_rms);
    void* const dx = on.output(type, count);
    float* const dweight = on.output(problem.dim);
    on.kernels().norm_add_backward(norm, on.input(problem.dy), x, inverse_rms, dx, dweight);
  };
}

NormReference reference_of(const NormProblem& problem) {
  return norm_reference(problem, {problem.dy.begin(), problem.dy.end()});
}

void expect_plain(const Results& found, const NormReference& expected, OperandType type, std::int64_t num_rows) {
  const OperandType float32 = OperandType::kFloat32;
  expect_near(found[0], expected.normal, type, 0.1, "y");
  expect_near(found[1], expected.inverse_rms, float32, 0.0, "inverse_rms");
  expect_near_rows(found[2], expected.dx, float32, expected.inverse_rms, "dx");
  expect_near(found[3], expected.dweight, float32, std::sqrt(static_cast<double>(num_rows)), "dweight");
}

TEST(NativeNorm, ValuesAndGradientsAreThoseOfDoublePrecision) {
  for (const auto& [num_rows, dim] : kShapes) {
    const NormProblem problem = random_norm(num_rows, dim);
    const NormReference expected = reference_of(problem);
    for (const OperandType type : kOperandTypes) {
      SCOPED_TRACE(testing::Message() << num_rows << " x " << dim << " of type " << static_cast<int>(type));
      expect_plain(repeated_results(type, plain_norm(problem)), expected, type, num_rows);
    }
  }
}

TEST(NativeNorm, TheResidualIsAddedInFloat32) {
  for (const auto& [num_rows, dim] : kShapes) {
    const NormProblem problem = random_norm(num_rows, dim);
    NormReference expected = reference_of(problem);
    for (std::size_t i = 0; i < expected.normal.size(); ++i) {
      expected.normal[i] += static_cast<double>(problem.residual[i]);
    }
    for (const OperandType type : kOperandTypes) {
      SCOPED_TRACE(testing::Message() << num_rows << " x " << dim << " of type " << static_cast<int>(type));
      const Results found = repeated_results(type, added_norm(problem));
      expect_near(found[0], expected.normal, OperandType::kFloat32, 1.0, "sum");
      expect_near(found[1], expected.inverse_rms, OperandType::kFloat32, 0.0, "inverse_rms");
      expect_near_rows(found[2], expected.dx, type, expected.inverse_rms, "dx");
      expect_near(found[3], expected.dweight, OperandType::kFloat32, std::sqrt(static_cast<double>(num_rows)),
                  "dweight");
    }
  }
}

TEST(NativeNorm, WeightsMayLieAnywhere) {
  const NormProblem problem = random_norm(5, 64);
  for (const OperandType type : kOperandTypes) {
    expect_plain(results_of("forward", type, plain_norm(problem, 1)), reference_of(problem), type, 5);
    expect_bits(results_of("forward", type, plain_norm(problem, 4)),
                results_of("forward", type, plain_norm(problem, 0)));
  }
}

TEST(NativeNorm, Bfloat16IsFloat32RoundedOnce) {
  for (const std::int64_t dim : {9, 768, 1032}) {
    const NormProblem problem = random_norm(3, dim);
    Results plain = results_of("forward", OperandType::kFloat32, plain_norm(problem));
    for (float& x : plain[0]) x = rounded_to(OperandType::kBfloat16, x);
    expect_bits(results_of("forward", OperandType::kBfloat16, plain_norm(problem)), plain);
    Results added = results_of("forward", OperandType::kFloat32, added_norm(problem));
    for (float& x : added[2]) x = rounded_to(OperandType::kBfloat16, x);
    expect_bits(results_of("forward", OperandType::kBfloat16, added_norm(problem)), added);
  }
}

TEST(NativeNorm, SumsOfManyBlocksKeepTheirDigits) {
  const NormProblem problem = random_norm(2100, 8);  // 66 blocks: some warps of the last sum have three
  expect_plain(results_of("backward", OperandType::kFloat32, plain_norm(problem)), reference_of(problem),
               OperandType::kFloat32, 1);
}

}  // namespace
}  // namespace reprise::numerics
