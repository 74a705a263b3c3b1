// Clauses [C-6], [C-7], [C-8], [C-31], [C-32]: every one of the 2^32 inputs, on every target. Prints what the contract
// publishes.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include "input_sweep.h"
#include "reprise/core/hash.h"
#include "reprise/numerics/target.h"

namespace {

constexpr std::uint64_t kInputs = 1ull << 32;
constexpr std::uint64_t kBlock = 1ull << 20;

double worst_error(const input_sweep::Function& function, const std::vector<float>& x, const std::vector<float>& y) {
  double worst = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, input_sweep::ulp_error(function, x[i], y[i]));
  return worst;
}

/// Fails unless every target gives the bits of y.
void compare_targets(const input_sweep::Function& function, const std::vector<float>& x, const std::vector<float>& y) {
  const auto fastest = reprise::numerics::active_target();
  std::vector<float> other(x.size());
  for (const auto target : reprise::numerics::available_targets()) {
    if (target == fastest) continue;
    reprise::numerics::set_active_target(target);
    function.kernel(static_cast<std::int64_t>(x.size()), x.data(), other.data());
    ASSERT_EQ(std::memcmp(other.data(), y.data(), y.size() * sizeof(float)), 0)
        << function.name << " on " << reprise::numerics::to_string(target);
  }
  reprise::numerics::set_active_target(fastest);
}

class AllInputs : public ::testing::TestWithParam<input_sweep::Function> {};

TEST_P(AllInputs, HaveThePublishedDigestAndError) {
  std::vector<float> x(kBlock), y(kBlock);
  reprise::Sha256 hash;
  double worst = 0.0;
  for (std::uint64_t begin = 0; begin < kInputs; begin += kBlock) {
    for (std::uint64_t i = 0; i < kBlock; ++i) x[i] = std::bit_cast<float>(static_cast<std::uint32_t>(begin + i));
    GetParam().kernel(static_cast<std::int64_t>(kBlock), x.data(), y.data());
    std::thread hashing([&] { hash.update(std::as_bytes(std::span<const float>(y))); });
    worst = std::max(worst, worst_error(GetParam(), x, y));
    compare_targets(GetParam(), x, y);
    hashing.join();
  }
  const std::string digest = hash.finish().hex();
  std::printf("%s: 2^32 inputs, sha256 %s, largest error %.4f ulp\n", GetParam().name, digest.c_str(), worst);
  EXPECT_EQ(digest, GetParam().digest);
  EXPECT_LE(worst, GetParam().max_ulp);
}

INSTANTIATE_TEST_SUITE_P(Functions, AllInputs, ::testing::ValuesIn(input_sweep::kFunctions),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
