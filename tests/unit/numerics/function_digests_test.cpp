// The published table of the exact functions: the digests can be computed again, see one wrong bit, and are those of
// the contract.
#include "reprise/numerics/function_digests.h"

#include <fmt/core.h>

#include <bit>
#include <fstream>
#include <sstream>

#include "kernel_test.h"
#include "reprise/numerics/exact_functions.h"

namespace reprise::numerics {
namespace {

constexpr std::uint32_t kSampledInput = 257 * 4096 * 1000 + 7;  // in block 257000

void exp_with_one_wrong_bit(std::int64_t count, const float* x, float* y) {
  exact_exp(count, x, y);
  for (std::int64_t i = 0; i < count; ++i) {
    if (std::bit_cast<std::uint32_t>(x[i]) != kSampledInput) continue;
    y[i] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(y[i]) ^ 1u);
  }
}

TEST(FunctionDigests, OfTheSampleAreThePublishedOnesOnEveryTarget) {
  kernel_test::for_each_target([] {
    for (const FunctionCheck& check : check_functions(FunctionInputs::kSample)) {
      EXPECT_TRUE(check.same()) << check.function.name << ": " << check.computed.hex() << ", published "
                                << check.published;
    }
  });
}

TEST(FunctionDigests, OneWrongBitOfOneInputShows) {
  PublishedFunction wrong = published_functions()[0];
  ASSERT_EQ(wrong.name, "exp");
  wrong.evaluate = exp_with_one_wrong_bit;
  const auto checks = check_functions(FunctionInputs::kSample, std::span(&wrong, 1));
  ASSERT_EQ(checks.size(), 1u);
  EXPECT_FALSE(checks[0].same());
}

TEST(FunctionDigests, TheSampleIsEvery257thBlockOf4096InputsAscending) {
  std::uint64_t num_blocks = 0;
  for_each_function_block(FunctionInputs::kSample, [&](std::span<const float> x) {
    ASSERT_EQ(x.size(), 4096u);
    ASSERT_EQ(std::bit_cast<std::uint32_t>(x[0]), num_blocks * 257 * 4096);
    ASSERT_EQ(std::bit_cast<std::uint32_t>(x[4095]), num_blocks * 257 * 4096 + 4095);
    ++num_blocks;
  });
  EXPECT_EQ(num_blocks, 4081u);
  EXPECT_EQ(num_function_inputs(FunctionInputs::kSample), 4081u * 4096u);
  EXPECT_EQ(num_function_inputs(FunctionInputs::kAll), 1ull << 32);
}

TEST(FunctionDigests, TheTableOfTheContractIsTheTableOfTheCode) {
  std::ifstream file(REPRISE_SOURCE_DIR "/docs/numeric_contract.md");
  std::stringstream page;
  page << file.rdbuf();
  for (const PublishedFunction& function : published_functions()) {
    const std::string row = fmt::format("| {} | {:.4f} ulp | `{}` | `{}` |\n", function.name,
                                        function.largest_error_ulp, function.all_digest, function.sample_digest);
    EXPECT_NE(page.str().find(row), std::string::npos) << row;
  }
}

}  // namespace
}  // namespace reprise::numerics
