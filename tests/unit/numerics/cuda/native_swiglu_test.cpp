// The native profile's feed-forward on the emulated GPU.

#include <limits>

#include "native_case.h"
#include "operand.h"

namespace reprise::numerics {
namespace {

using Values = std::vector<float>;

/// Outputs: y, dgate, dup.
UseKernel swiglu(const Values& gate, const Values& up, const Values& dy) {
  return [=](NativeCase& on, OperandType type) {
    const auto count = static_cast<std::int64_t>(gate.size());
    const void* const gates = on.input(type, gate);
    const void* const ups = on.input(type, up);
    const void* const gradients = on.input(type, dy);
    void* const y = on.output(type, count);
    void* const dgate = on.output(type, count);
    void* const dup = on.output(type, count);
    on.kernels().swiglu_forward(type, count, gates, ups, y);
    on.kernels().swiglu_backward(type, count, gates, ups, gradients, dgate, dup);
  };
}

struct Reference {
  std::vector<double> y, dgate, dup;
};

Reference reference(const Values& gates, const Values& ups, const Values& gradients) {
  Reference all;
  for (std::size_t i = 0; i < gates.size(); ++i) {
    const double gate = gates[i], up = ups[i], dy = gradients[i];
    const double sigmoid = 1 / (1 + std::exp(-gate));
    all.y.push_back(gate * sigmoid * up);
    all.dgate.push_back(dy * up * sigmoid * (1 + gate * (1 - sigmoid)));
    all.dup.push_back(dy * gate * sigmoid);
  }
  return all;
}

// Around a pack of 8 and a block of 2048.
constexpr std::int64_t kCounts[] = {0, 1, 7, 8, 9, 1000, 2048, 2055, 6149};

TEST(NativeSwiglu, ValuesAndGradientsAreThoseOfDoublePrecision) {
  for (const std::int64_t count : kCounts) {
    const Values gate = operand_values(count, 1, true);  // to +-10,000
    const Values up = operand_values(count, 2), dy = operand_values(count, 3);
    const Reference expected = reference(gate, up, dy);
    for (const OperandType type : kOperandTypes) {
      SCOPED_TRACE(testing::Message() << count << " elements of type " << static_cast<int>(type));
      const Results found = repeated_results(type, swiglu(gate, up, dy));
      expect_near(found[0], expected.y, type, 0.1, "y");
      expect_near(found[1], expected.dgate, type, 0.1, "dgate");
      expect_near(found[2], expected.dup, type, 0.1, "dup");
    }
  }
}

TEST(NativeSwiglu, Bfloat16IsFloat32RoundedOnceToTheNearestAndThenEven) {
  const std::int64_t count = 4099;
  const auto use = swiglu(operand_values(count, 1, true), operand_values(count, 2, true), operand_values(count, 3));
  Results expected = results_of("forward", OperandType::kFloat32, use);
  for (Values& values : expected) {
    for (float& x : values) x = rounded_to(OperandType::kBfloat16, x);
  }
  expect_bits(results_of("forward", OperandType::kBfloat16, use), expected);
}

TEST(NativeSwiglu, TiesGoToTheEvenAndLargeValuesToInfinityAndNansStayNans) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::bit_cast<float>(0x7fff0000u);
  // A gate of 64 has a sigmoid of 1: y = 64 * up and dgate = up * dy, of which some are ties.
  const Values gate = {64, 64, 64, 64, nan, 64, 64, 64, 64};
  const Values up = {0x1.02p0f, 0x1.02p0f, 0x1.82p0f, 0x1.fep127f, 1, nan, inf, -0x1.fep126f, 0};
  const Values dy = {0x1.8p0f, 0x1.4p0f, 0x1.8p0f, 1, 1, 1, 1, 1, -1};
  const Results float32 = results_of("forward", OperandType::kFloat32, swiglu(gate, up, dy));
  const Results found = results_of("forward", OperandType::kBfloat16, swiglu(gate, up, dy));
  const std::vector<bool> is_nan = {false, false, false, false, true, true, false, false, false};
  for (std::size_t i = 0; i < gate.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(std::isnan(found[0][i]), is_nan[i]);
    EXPECT_EQ(std::isnan(found[1][i]), is_nan[i]);
    if (is_nan[i]) continue;
    EXPECT_EQ(found[0][i], rounded_to(OperandType::kBfloat16, float32[0][i]));
    EXPECT_EQ(found[1][i], rounded_to(OperandType::kBfloat16, float32[1][i]));
  }
  EXPECT_EQ(found[0][3], inf);
  EXPECT_EQ(found[0][7], -inf);
  EXPECT_EQ(found[1][0], 0x1.84p0f);  // 1.51171875 lies between 1.5078125 and 1.515625, which is even
}

TEST(NativeSwiglu, RoundingIsToTheNearestForAnyBits) {
  for (std::uint64_t at = 0; at <= 0xffffffffu; at += 0x3fff) {  // meets lower halves of all sorts
    for (const std::uint64_t bits : {at, at & 0xffff0000u, at | 0x8000u}) {
      const auto x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
      ASSERT_EQ(cuda::bfloat16_pair(x, 1.0f), 0x3f800000u | to_bfloat16(x)) << "bits " << bits;
      ASSERT_EQ(cuda::bfloat16_pair(-0.0f, x), std::uint32_t{to_bfloat16(x)} << 16 | 0x8000u) << "bits " << bits;
    }
  }
  for (const std::uint32_t nan : {0x7fffffffu, 0xffffffffu, 0x7f800001u, 0xff800001u}) {  // a GPU's own is the first
    EXPECT_EQ(cuda::bfloat16_pair(std::bit_cast<float>(nan), 0.0f), 0x7fffu);
  }
}

}  // namespace
}  // namespace reprise::numerics
