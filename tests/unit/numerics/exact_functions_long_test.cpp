// Clauses [C-6] to [C-8] and [C-31] to [C-34]: every one of the 2^32 inputs, on every target. Prints what the contract
// publishes.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <span>

#include "input_sweep.h"
#include "reprise/core/hash.h"
#include "reprise/numerics/target.h"

namespace {

using reprise::numerics::FunctionInputs;
using reprise::numerics::kFunctionBlock;
using Outputs = std::array<float, kFunctionBlock>;

double worst_error(const input_sweep::Function& function, std::span<const float> x, const Outputs& y) {
  double worst = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, input_sweep::ulp_error(function, x[i], y[i]));
  return worst;
}

/// Fails unless every target gives the bits of y.
void compare_targets(const input_sweep::Function& function, std::span<const float> x, const Outputs& y) {
  const auto fastest = reprise::numerics::active_target();
  Outputs other;
  for (const auto target : reprise::numerics::available_targets()) {
    if (target == fastest) continue;
    reprise::numerics::set_active_target(target);
    function.kernel(static_cast<std::int64_t>(x.size()), x.data(), other.data());
    reprise::numerics::set_active_target(fastest);
    ASSERT_EQ(std::memcmp(other.data(), y.data(), sizeof(y)), 0)
        << function.name << " on " << reprise::numerics::to_string(target) << " in the block from " << x[0];
  }
}

class AllInputs : public ::testing::TestWithParam<input_sweep::Function> {};

TEST_P(AllInputs, HaveThePublishedDigestAndError) {
  reprise::Sha256 hash;
  double worst = 0.0;
  Outputs y;
  reprise::numerics::for_each_function_block(FunctionInputs::kAll, [&](std::span<const float> x) {
    if (HasFatalFailure()) return;
    GetParam().kernel(static_cast<std::int64_t>(x.size()), x.data(), y.data());
    hash.update(std::as_bytes(std::span<const float>(y)));
    worst = std::max(worst, worst_error(GetParam(), x, y));
    compare_targets(GetParam(), x, y);
  });
  const std::string digest = hash.finish().hex();
  std::printf("%s: 2^32 inputs, sha256 %s, largest error %.4f ulp\n", GetParam().name.c_str(), digest.c_str(), worst);
  EXPECT_EQ(digest, GetParam().digest);
  EXPECT_LE(worst, GetParam().max_ulp);
}

INSTANTIATE_TEST_SUITE_P(Functions, AllInputs, ::testing::ValuesIn(input_sweep::functions()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
