// The native profile's losses on the emulated GPU.

#include <algorithm>
#include <limits>

#include "native_case.h"
#include "native_functions.h"

namespace reprise::numerics {
namespace {

using Values = std::vector<float>;
using Targets = std::vector<std::int32_t>;

struct Problem {
  std::int64_t num_tokens, vocab;
  Values logits;
  Targets targets;
  float z_weight;
};

Problem random_problem(std::int64_t num_tokens, std::int64_t vocab, float scale, float z_weight) {
  Problem problem{num_tokens, vocab, random_values(num_tokens * vocab, 1), {}, z_weight};
  for (float& x : problem.logits) x = rounded_to(OperandType::kBfloat16, x * scale);
  for (std::int64_t t = 0; t < num_tokens; ++t) {
    problem.targets.push_back(t % 4 == 2 ? -1 : static_cast<std::int32_t>((t * 7919 + vocab - 1) % vocab));
  }
  return problem;
}

/// Outputs: the logits' place, cross-entropies, z.
UseKernel losses(const Problem& problem, bool with_gradient) {
  return [=](NativeCase& on, OperandType type) {
    void* const logits = on.output(type, problem.logits);
    const std::int32_t* const targets = on.memory().copy_of(problem.targets);
    float* const cross_entropy = on.output(problem.num_tokens);
    float* const z = on.output(problem.num_tokens);
    on.kernels().token_losses(type, problem.num_tokens, problem.vocab, logits, targets, problem.z_weight, with_gradient,
                              cross_entropy, z);
  };
}

struct Reference {
  std::vector<double> gradient, cross_entropy, z;
};

void add_row(const Problem& problem, std::int64_t token, Reference& all) {
  const float* const row = problem.logits.data() + token * problem.vocab;
  const std::int32_t target = problem.targets[static_cast<std::size_t>(token)];
  if (target < 0) {
    all.gradient.insert(all.gradient.end(), static_cast<std::size_t>(problem.vocab), 0.0);
    all.cross_entropy.push_back(0.0);
    all.z.push_back(0.0);
    return;
  }
  const double greatest = *std::max_element(row, row + problem.vocab);
  double sum = 0;
  for (std::int64_t i = 0; i < problem.vocab; ++i) sum += std::exp(row[i] - greatest);
  const double log_sum_exp = greatest + std::log(sum);
  for (std::int64_t i = 0; i < problem.vocab; ++i) {
    const double probability = std::exp(row[i] - log_sum_exp);
    all.gradient.push_back(probability * (1 + 2 * problem.z_weight * log_sum_exp) - (i == target ? 1 : 0));
  }
  all.cross_entropy.push_back(log_sum_exp - row[target]);
  all.z.push_back(log_sum_exp * log_sum_exp);
}

Reference reference(const Problem& problem) {
  Reference all;
  for (std::int64_t token = 0; token < problem.num_tokens; ++token) add_row(problem, token, all);
  return all;
}

/// Compares gradient and losses, and the losses of the forward pass, which leaves the logits as they are.
void expect_reference(const Problem& problem, OperandType type, bool repeat) {
  SCOPED_TRACE(testing::Message() << problem.num_tokens << " x " << problem.vocab << " of type "
                                  << static_cast<int>(type) << ", z " << problem.z_weight);
  const auto run = [&](bool with_gradient) {
    const UseKernel use = losses(problem, with_gradient);
    return repeat ? repeated_results(type, use) : results_of("forward", type, use);
  };
  const Reference expected = reference(problem);
  double size = 1;  // of what is subtracted
  for (const float x : problem.logits) size = std::max(size, 0.1 * std::fabs(static_cast<double>(x)));
  const Results found = run(true);
  expect_near(found[0], expected.gradient, type, 1.0, "gradient");
  expect_near(found[1], expected.cross_entropy, OperandType::kFloat32, size, "cross-entropy");
  expect_near(found[2], expected.z, OperandType::kFloat32, size, "z");
  const Results forward = run(false);
  expect_bits({forward[0]}, {problem.logits});
  expect_bits({forward[1], forward[2]}, {found[1], found[2]});
}

// Rows that begin on any byte pair, fill a step of a block's packs (4096) or not, one after the other.
constexpr std::int64_t kVocabularies[] = {1, 7, 8, 61, 512, 1000, 1003, 4096, 4104, 9001};

TEST(NativeLosses, LossesAndGradientsAreThoseOfDoublePrecision) {
  for (const std::int64_t vocab : kVocabularies) {
    for (const float z_weight : {0.0f, 1e-4f}) {
      const Problem problem = random_problem(vocab < 1000 ? 5 : 3, vocab, 2.0f, z_weight);
      for (const OperandType type : kOperandTypes) expect_reference(problem, type, true);
    }
  }
}

TEST(NativeLosses, SmallGradientsKeepTheirDigits) {
  const Problem problem = random_problem(1, 1000, 2.0f, 1e-4f);
  const Reference expected = reference(problem);
  for (const OperandType type : kOperandTypes) {
    expect_near(results_of("forward", type, losses(problem, true))[0], expected.gradient, type, 1e-4, "gradient");
  }
}

TEST(NativeLosses, RowsThatFitIntoSharedMemoryAndLongerOnesAreRight) {
  const std::int64_t vocab = 50304;  // 98 KiB of bfloat16 fit, 197 KiB of float32 do not
  for (const OperandType type : kOperandTypes) {
    expect_reference(random_problem(2, vocab, 3.0f, 1e-4f), type, false);
    expect_reference(random_problem(2, vocab + 1, 3.0f, 1e-4f), type, false);
  }
  expect_reference(random_problem(1, 83400, 3.0f, 0.0f), OperandType::kBfloat16, false);
}

TEST(NativeLosses, RowsThatFillWhatABlockHasUnaskedLeaveRoomForTheKernelsVariables) {
  for (const std::int64_t vocab : {12288, 24576}) {  // 48 KiB of float32, of bfloat16
    for (const OperandType type : kOperandTypes) expect_reference(random_problem(1, vocab, 3.0f, 1e-4f), type, false);
  }
}

TEST(NativeLosses, SharedMemoryOfTheGpuDoesNotShowInTheBits) {
  // The longest row that the smaller GPU keeps, one that only the larger does, its longest, and one that none does.
  for (const std::int64_t vocab : {50432, 50440, 83200, 83208}) {
    const UseKernel use = losses(random_problem(1, vocab, 3.0f, 1e-4f), true);
    const auto on = [&](int gpu) { return results_of("forward", OperandType::kBfloat16, use, gpu); };
    expect_bits(on(emulation::kDevice), on(emulation::kLargeDevice));
  }
}

TEST(NativeLosses, LargeLogitsNeitherOverflowNorVanish) {
  for (const OperandType type : kOperandTypes) expect_reference(random_problem(4, 1000, 4000.0f, 1e-4f), type, true);
  Problem steps = random_problem(1, 2000, 0.0f, 1e-4f);
  for (std::size_t i = 0; i < steps.logits.size(); ++i) {
    steps.logits[i] = rounded_to(OperandType::kBfloat16, -1e4f + 10.0f * static_cast<float>(i));
  }
  for (const OperandType type : kOperandTypes) expect_reference(steps, type, true);
}

TEST(NativeLosses, MinusInfinityHasNoProbability) {
  Problem problem = random_problem(2, 1000, 1.0f, 0.0f);
  problem.targets = {0, 1};
  Problem lowest = problem;
  for (std::size_t i = 2; i < 1000; ++i) {
    problem.logits[i] = -std::numeric_limits<float>::infinity();
    lowest.logits[i] = -30000.0f;  // whose exponential is 0, too
  }
  for (const OperandType type : kOperandTypes) {
    Results found = results_of("forward", type, losses(problem, true));
    expect_bits(found, results_of("forward", type, losses(lowest, true)));
    EXPECT_EQ(found[0][2], 0.0f);
  }
}

TEST(NativeLosses, Bfloat16IsFloat32RoundedOnce) {
  for (const std::int64_t vocab : {61, 1000}) {
    const UseKernel use = losses(random_problem(3, vocab, 2.0f, 1e-4f), true);
    Results expected = results_of("forward", OperandType::kFloat32, use);
    for (float& x : expected[0]) x = rounded_to(OperandType::kBfloat16, x);
    expect_bits(results_of("forward", OperandType::kBfloat16, use), expected);
  }
}

TEST(NativeLosses, TokensWithoutTargetHaveNoLossAndZeroGradientAndTheirLogitsDoNotMatter) {
  Problem problem = random_problem(3, 61, 1.0f, 1e-4f);
  problem.targets = {-1, 4, -100};
  problem.logits[3] = std::nanf("");
  for (const OperandType type : kOperandTypes) {
    const Results found = repeated_results(type, losses(problem, true));
    for (const std::size_t token : {0u, 2u}) {
      EXPECT_EQ(found[1][token], 0.0f);
      EXPECT_EQ(found[2][token], 0.0f);
      for (std::size_t i = 0; i < 61; ++i) EXPECT_EQ(found[0][token * 61 + i], 0.0f);
    }
    EXPECT_GT(found[1][1], 0.0f);
  }
}

TEST(NativeLosses, ATargetBehindTheVocabularyOrANanMakesALossThatIsNone) {
  Problem problem = random_problem(3, 64, 1.0f, 0.0f);
  problem.targets = {64, 5, 6};
  problem.logits[64 + 30] = std::nanf("");
  for (const OperandType type : kOperandTypes) {
    const Results found = results_of("forward", type, losses(problem, true));
    for (const std::size_t token : {0u, 1u}) {
      EXPECT_TRUE(std::isnan(found[1][token]));
      EXPECT_TRUE(std::isnan(found[0][token * 64 + 5]));
    }
    EXPECT_FALSE(std::isnan(found[1][2]));
  }
}

TEST(NativeLosses, TheirExponentialIsThatOfTheExactProfile) {
  const auto bits = [](float x) { return std::bit_cast<std::uint32_t>(x); };
  for (std::uint32_t at = 0; at < bits(cuda::kGreatestExponent); at += 997) {
    for (const float x : {std::bit_cast<float>(at), -std::bit_cast<float>(at)}) {
      if (x < cuda::kLeastExponent) continue;
      ASSERT_EQ(bits(cuda::normal_exp(x)), bits(cuda::exp_value(x))) << x;
    }
  }
  for (const float x : {0.0f, -1.0f, cuda::kLeastExponent}) {
    EXPECT_EQ(bits(cuda::exp_of_difference(x)), bits(cuda::exp_value(x)));
  }
  for (const float x : {-88.0f, -1e4f, -3e38f, -std::numeric_limits<float>::infinity()}) {
    EXPECT_EQ(bits(cuda::exp_of_difference(x)), 0u) << x;
  }
  EXPECT_TRUE(std::isnan(cuda::exp_of_difference(std::nanf(""))));
}

TEST(NativeLosses, NoTokensAreNoWork) {
  for (const OperandType type : kOperandTypes) results_of("forward", type, losses({0, 64, {}, {}, 0.0f}, true));
}

}  // namespace
}  // namespace reprise::numerics
