// Clause [C-37]: rotary embeddings of a part of the head, and of neighbouring pairs.
#include "reprise/numerics/rotary.h"

#include <cmath>

#include "kernel_test.h"
#include "reference/rows.h"
#include "reprise/core/error.h"

namespace reprise::numerics {
namespace {

using kernel_test::expect_same_bits;
using kernel_test::Floats;
using kernel_test::for_each_target;
using kernel_test::random_floats;
using kernel_test::to_be_overwritten;
using Index = std::int64_t;

struct Tables {
  Tables(Index length, Index turning) : cos(static_cast<std::size_t>(length * turning / 2)), sin(cos.size()) {
    rope_table(length, turning, 10000.0, cos.data(), sin.data());
  }
  Floats cos, sin;
};

struct Case {
  Index sequences, length, heads, dim, turning;
};
// Nothing left over, odd rests, fewer pairs than a vector, the edges of vectors, many.
const std::vector<Case> kCases = {{1, 1, 1, 2, 2},    {2, 5, 3, 7, 2},    {1, 13, 2, 32, 32}, {2, 3, 1, 35, 30},
                                  {1, 7, 2, 34, 34},  {1, 4, 3, 80, 32},  {3, 2, 1, 66, 64},  {1, 3, 2, 128, 96},
                                  {1, 61, 5, 97, 62}, {2, 300, 2, 64, 16}};

TEST(Rotary, EqualsTheReferenceBitForBit) {
  for (const auto& [sequences, length, heads, dim, turning] : kCases) {
    const Tables tables(length, turning);
    const Floats x = random_floats(1, sequences * length * heads * dim);
    for (const RotaryPairs pairs : {RotaryPairs::kHalves, RotaryPairs::kInterleaved}) {
      const bool neighbours = pairs == RotaryPairs::kInterleaved;
      const RotaryLayout layout{heads, dim, turning, pairs};
      const Floats forward =
          reference::rotate_part(sequences, length, heads, dim, turning, neighbours, false, x, tables.cos, tables.sin);
      const Floats backward =
          reference::rotate_part(sequences, length, heads, dim, turning, neighbours, true, x, tables.cos, tables.sin);
      for_each_target([&, sequences = sequences, length = length] {
        Floats y = to_be_overwritten(x.size());
        rotary_forward(sequences, length, layout, x.data(), tables.cos.data(), tables.sin.data(), y.data());
        expect_same_bits(y, forward, "forward");
        y = to_be_overwritten(x.size());
        rotary_backward(sequences, length, layout, x.data(), tables.cos.data(), tables.sin.data(), y.data());
        expect_same_bits(y, backward, "backward");
        Floats in_place = x;
        rotary_forward(sequences, length, layout, in_place.data(), tables.cos.data(), tables.sin.data(),
                       in_place.data());
        expect_same_bits(in_place, forward, "in place");
      });
    }
  }
}

TEST(Rotary, AWholeHeadOfHalvesIsTheRotationOfTheContractsFirstClause) {
  const Index length = 9, heads = 2, dim = 48;
  const Tables tables(length, dim);
  const Floats x = random_floats(2, length * heads * dim);
  Floats rotated(x.size()), rope(x.size());
  const RotaryLayout layout{heads, dim, dim, RotaryPairs::kHalves};
  rotary_forward(1, length, layout, x.data(), tables.cos.data(), tables.sin.data(), rotated.data());
  rope_forward(1, length, heads, dim, x.data(), tables.cos.data(), tables.sin.data(), rope.data());
  expect_same_bits(rotated, rope, "y");
  expect_same_bits(rope, reference::rotate(1, length, heads, dim, false, x, tables.cos, tables.sin), "reference");
}

TEST(Rotary, ElementsBeyondThePartAreCopied) {
  const Index length = 3, dim = 11, turning = 4;
  const Tables tables(length, turning);
  const Floats x = random_floats(3, length * dim);
  for (const RotaryPairs pairs : {RotaryPairs::kHalves, RotaryPairs::kInterleaved}) {
    Floats y = to_be_overwritten(x.size());
    rotary_forward(1, length, {1, dim, turning, pairs}, x.data(), tables.cos.data(), tables.sin.data(), y.data());
    for (Index t = 0; t < length; ++t) {
      for (Index e = turning; e < dim; ++e) EXPECT_EQ(y[t * dim + e], x[t * dim + e]) << t << ", " << e;
    }
  }
}

TEST(Rotary, IsARotationInBinary64WithinRounding) {
  const Index length = 50, dim = 16;
  const Tables tables(length, dim);
  const Floats x = random_floats(4, length * dim);
  Floats y(x.size());
  rotary_forward(1, length, {1, dim, dim, RotaryPairs::kInterleaved}, x.data(), tables.cos.data(), tables.sin.data(),
                 y.data());
  for (Index t = 0; t < length; ++t) {
    for (Index e = 0; e < dim / 2; ++e) {
      // The angle is a product rounded to binary32, so that far positions carry its error.
      const auto frequency = static_cast<float>(std::pow(10000.0, -2.0 * static_cast<double>(e) / 16.0));
      const double angle = static_cast<double>(static_cast<float>(t) * frequency);
      const double a = x[t * dim + 2 * e], b = x[t * dim + 2 * e + 1];
      EXPECT_NEAR(y[t * dim + 2 * e], a * std::cos(angle) - b * std::sin(angle), 1e-6);
      EXPECT_NEAR(y[t * dim + 2 * e + 1], b * std::cos(angle) + a * std::sin(angle), 1e-6);
    }
  }
}

TEST(Rotary, BackwardIsTheTransposeOfForward) {
  // <dy, R x> = <R' dy, x> for a linear map R: the gradient is checked without finite differences.
  const Index length = 6, heads = 2, dim = 22, turning = 18;
  const Tables tables(length, turning);
  const Floats x = random_floats(5, length * heads * dim), dy = random_floats(6, length * heads * dim);
  for (const RotaryPairs pairs : {RotaryPairs::kHalves, RotaryPairs::kInterleaved}) {
    const RotaryLayout layout{heads, dim, turning, pairs};
    Floats y(x.size()), dx(x.size());
    rotary_forward(1, length, layout, x.data(), tables.cos.data(), tables.sin.data(), y.data());
    rotary_backward(1, length, layout, dy.data(), tables.cos.data(), tables.sin.data(), dx.data());
    double outside = 0.0, inside = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      outside += static_cast<double>(dy[i]) * static_cast<double>(y[i]);
      inside += static_cast<double>(dx[i]) * static_cast<double>(x[i]);
    }
    EXPECT_NEAR(outside, inside, 1e-5);
  }
}

TEST(Rotary, AnImpossiblePartIsAnInternalError) {
  Floats x(8);
  for (const Index turning : {0, 3, 10}) {
    EXPECT_THROW(rotary_forward(1, 1, {1, 8, turning, RotaryPairs::kHalves}, x.data(), x.data(), x.data(), x.data()),
                 Error)
        << turning;
  }
}

}  // namespace
}  // namespace reprise::numerics
