// Clause [C-3]: matrix products.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernel_test.h"
#include "reference/reference.h"
#include "reprise/numerics/kernels.h"

namespace reprise::numerics {
namespace {

using kernel_test::expect_same_bits;
using kernel_test::Floats;
using kernel_test::for_each_target;
using kernel_test::random_floats;
using kernel_test::to_be_overwritten;
using Index = std::int64_t;

struct Shape {
  Index m, n, k;
};

// One, odd, prime, on either side of tiles (6, 14 rows; 16, 32 columns), blocks (252 and 2016 rows, 512 columns) and
// segments (256).
const Shape kShapes[] = {{1, 1, 1},    {1, 1, 0},     {1, 37, 300},  {2, 3, 5},      {5, 16, 7},    {6, 16, 255},
                         {7, 17, 256}, {13, 31, 257}, {14, 32, 64},  {15, 33, 511},  {29, 1, 513},  {28, 64, 16},
                         {37, 41, 43}, {64, 32, 600}, {255, 13, 10}, {513, 5, 3},    {3, 1030, 11}, {11, 515, 259},
                         {1, 1, 1024}, {4, 48, 96},   {12, 96, 128}, {253, 520, 13}, {2021, 9, 259}};

Floats reference_product(const Shape& s, const std::function<float(Index, Index)>& a,
                         const std::function<float(Index, Index)>& b) {
  Floats c;
  for (Index i = 0; i < s.m; ++i) {
    for (Index j = 0; j < s.n; ++j) {
      c.push_back(reference::segmented_dot(
          0, s.k, [&](Index k) { return a(i, k); }, [&](Index k) { return b(k, j); }));
    }
  }
  return c;
}

TEST(Gemm, NtEqualsTheReferenceBitForBit) {
  for (const Shape& s : kShapes) {
    const Index lda = s.k + 3, ldb = s.k + 1;
    const Floats a = random_floats(1, s.m * lda + 1), b = random_floats(2, s.n * ldb + 1);
    const Floats expected = reference_product(
        s, [&](Index i, Index k) { return a[i * lda + k]; }, [&](Index k, Index j) { return b[j * ldb + k]; });
    for_each_target([&] {
      Floats c = to_be_overwritten(expected.size());
      gemm_nt(s.m, s.n, s.k, a.data(), lda, b.data(), ldb, c.data(), s.n);
      expect_same_bits(c, expected, "gemm_nt");
    });
  }
}

TEST(Gemm, NnEqualsTheReferenceBitForBit) {
  for (const Shape& s : kShapes) {
    const Index lda = s.k + 1, ldb = s.n + 2;
    const Floats a = random_floats(3, s.m * lda), b = random_floats(4, s.k * ldb + 1);
    const Floats expected = reference_product(
        s, [&](Index i, Index k) { return a[i * lda + k]; }, [&](Index k, Index j) { return b[k * ldb + j]; });
    for_each_target([&] {
      Floats c = to_be_overwritten(expected.size());
      gemm_nn(s.m, s.n, s.k, a.data(), lda, b.data(), ldb, c.data(), s.n);
      expect_same_bits(c, expected, "gemm_nn");
    });
  }
}

TEST(Gemm, TnEqualsTheReferenceBitForBit) {
  for (const Shape& s : kShapes) {
    const Index lda = s.m + 2, ldb = s.n;
    const Floats a = random_floats(5, s.k * lda + 1), b = random_floats(6, s.k * ldb + 1);
    const Floats expected = reference_product(
        s, [&](Index i, Index k) { return a[k * lda + i]; }, [&](Index k, Index j) { return b[k * ldb + j]; });
    for_each_target([&] {
      Floats c = to_be_overwritten(expected.size());
      gemm_tn(s.m, s.n, s.k, a.data(), lda, b.data(), ldb, c.data(), s.n);
      expect_same_bits(c, expected, "gemm_tn");
    });
  }
}

TEST(Gemm, AJointProductIsTheProductsOneByOne) {
  const Index m = 300, k = 515;
  const std::vector<Index> widths = {33, 1, 600};
  const Floats a = random_floats(30, m * k);
  std::vector<Floats> weights, expected;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    weights.push_back(random_floats(31 + static_cast<std::uint32_t>(i), widths[i] * k));
    expected.push_back(to_be_overwritten(static_cast<std::size_t>(m * widths[i])));
    gemm_nt(m, widths[i], k, a.data(), k, weights[i].data(), k, expected[i].data(), widths[i]);
  }
  for_each_target([&] {
    std::vector<Floats> actual;
    std::vector<GemmOutput> outputs;
    for (const Floats& one : expected) actual.push_back(to_be_overwritten(one.size()));
    for (std::size_t i = 0; i < widths.size(); ++i) {
      outputs.push_back({weights[i].data(), k, widths[i], actual[i].data(), widths[i]});
    }
    gemm_nt_joint(m, k, a.data(), k, outputs);
    for (std::size_t i = 0; i < widths.size(); ++i)
      expect_same_bits(actual[i], expected[i], "output of a joint product");
  });
}

TEST(Gemm, SegmentsRunOverTheConcatenatedAxis) {
  // Parts whose ends fall inside segments, on a boundary, and an empty one.
  const std::vector<Index> sizes = {100, 156, 0, 300, 1};
  const Index m = 19, n = 35;
  std::vector<Floats> as, bs;
  std::vector<GemmPart> parts;
  for (std::size_t p = 0; p < sizes.size(); ++p) {
    as.push_back(random_floats(10 + static_cast<std::uint32_t>(p), m * (sizes[p] + 2) + 1));
    bs.push_back(random_floats(20 + static_cast<std::uint32_t>(p), sizes[p] * n + 1));
  }
  Floats a_joined, b_joined;
  for (Index i = 0; i < m; ++i) {
    for (std::size_t p = 0; p < sizes.size(); ++p) {
      for (Index k = 0; k < sizes[p]; ++k) a_joined.push_back(as[p][i * (sizes[p] + 2) + k]);
    }
  }
  for (std::size_t p = 0; p < sizes.size(); ++p) {
    b_joined.insert(b_joined.end(), bs[p].begin(), bs[p].begin() + sizes[p] * n);
    parts.push_back({as[p].data(), sizes[p] + 2, bs[p].data(), n, sizes[p]});
  }
  const Shape s{m, n, 557};
  const Floats expected = reference_product(
      s, [&](Index i, Index k) { return a_joined[i * s.k + k]; },
      [&](Index k, Index j) { return b_joined[k * n + j]; });
  for_each_target([&] {
    Floats c = to_be_overwritten(expected.size());
    gemm_nn_concatenated(m, n, parts, c.data(), n);
    expect_same_bits(c, expected, "gemm_nn_concatenated");
  });
}

TEST(Gemm, ElementsBesideTheResultAreLeftAlone) {
  const Index m = 9, n = 21, k = 40, ldc = 24;
  const Floats a = random_floats(7, m * k), b = random_floats(8, n * k);
  for_each_target([&] {
    Floats c(static_cast<std::size_t>(m * ldc), 7.0f);
    gemm_nt(m, n, k, a.data(), k, b.data(), k, c.data(), ldc);
    for (Index i = 0; i < m; ++i) {
      for (Index j = n; j < ldc; ++j) EXPECT_EQ(c[i * ldc + j], 7.0f);
    }
  });
}

TEST(Gemm, OneRowHasTheBitsItHasAmongMany) {
  const Index m = 40, n = 50, k = 700;
  const Floats a = random_floats(9, m * k), b = random_floats(10, n * k);
  for_each_target([&] {
    Floats all(static_cast<std::size_t>(m * n)), one(static_cast<std::size_t>(n));
    gemm_nt(m, n, k, a.data(), k, b.data(), k, all.data(), n);
    for (const Index row : {Index{0}, Index{17}, Index{39}}) {
      gemm_nt(1, n, k, a.data() + row * k, k, b.data(), k, one.data(), n);
      expect_same_bits(one, Floats(all.begin() + row * n, all.begin() + (row + 1) * n), "row");
    }
  });
}

TEST(Gemm, SubnormalsAreKept) {
  const Floats a(4, 0x1p-100f), b(4, 0x1p-40f);  // products of 2^-140, below the normal range
  for_each_target([&] {
    Floats c(1);
    gemm_nt(1, 1, 4, a.data(), 4, b.data(), 4, c.data(), 1);
    EXPECT_EQ(c[0], 0x1p-138f);
  });
}

TEST(Gemm, MultiplicationAndAdditionRoundOnce) {
  // 1 + 2^-12 squared is 1 + 2^-11 + 2^-24: added to -(1 + 2^-11), one rounding leaves 2^-24, two leave 0.
  const Floats a = {-(1.0f + 0x1p-11f), 1.0f + 0x1p-12f}, b = {1.0f, 1.0f + 0x1p-12f};
  for_each_target([&] {
    Floats c(1);
    gemm_nt(1, 1, 2, a.data(), 2, b.data(), 2, c.data(), 1);
    EXPECT_EQ(c[0], 0x1p-24f);
  });
}

TEST(Gemm, ErrorAgainstBinary64StaysWithinTheBound) {
  const Index m = 30, n = 64, k = 1000;
  const Floats a = random_floats(11, m * k), b = random_floats(12, n * k);
  for_each_target([&] {
    Floats c(static_cast<std::size_t>(m * n));
    gemm_nt(m, n, k, a.data(), k, b.data(), k, c.data(), n);
    for (Index i = 0; i < m; ++i) {
      for (Index j = 0; j < n; ++j) {
        double exact = 0.0, magnitude = 0.0;
        for (Index p = 0; p < k; ++p) {
          const double product = static_cast<double>(a[i * k + p]) * static_cast<double>(b[j * k + p]);
          exact += product;
          magnitude += std::fabs(product);
        }
        // Worst case of 256 + 4 roundings of partial sums; random signs stay far below it.
        EXPECT_NEAR(static_cast<double>(c[i * n + j]), exact, 260 * 0x1p-24 * magnitude);
        EXPECT_NEAR(static_cast<double>(c[i * n + j]), exact, 8 * 0x1p-24 * magnitude);
      }
    }
  });
}

}  // namespace
}  // namespace reprise::numerics
