// What the constants of the numeric contract cost and give: speed of products and row sums, and their error against
// binary64. contract_constants.sh builds it with other constants than the contract's.

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <functional>
#include <random>
#include <vector>

#include "reprise/numerics/kernels.h"

namespace {

using namespace reprise::numerics;
using Floats = std::vector<float>;
using Index = std::int64_t;

Floats random_floats(std::uint32_t seed, Index count) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  Floats values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(generator);
  return values;
}

/// Processor seconds of one call: the best of some, for the machine may have other work.
double seconds_of(const std::function<void()>& work) {
  work();
  double best = 1e9;
  for (int round = 0; round < 15; ++round) {
    const std::clock_t start = std::clock();
    for (int i = 0; i < 3; ++i) work();
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC / 3);
  }
  return best;
}

/// Root mean square error of a weight gradient (k tokens) against binary64, in units of the result's root mean square.
void product(Index k) {
  constexpr Index kRows = 256, kColumns = 256;
  const Floats a = random_floats(1, k * kRows), b = random_floats(2, k * kColumns);
  Floats c(static_cast<std::size_t>(kRows * kColumns));
  const double seconds =
      seconds_of([&] { gemm_tn(kRows, kColumns, k, a.data(), kRows, b.data(), kColumns, c.data(), kColumns); });
  double error = 0, square = 0, worst = 0;
  for (Index i = 0; i < kRows; i += 3) {
    for (Index j = 0; j < kColumns; j += 3) {
      double sum = 0;
      for (Index p = 0; p < k; ++p) sum += double{a[p * kRows + i]} * b[p * kColumns + j];
      const double difference = std::abs(sum - c[i * kColumns + j]);
      worst = std::max(worst, difference);
      error += difference * difference;
      square += sum * sum;
    }
  }
  const double scale = std::sqrt(static_cast<double>(k));
  fmt::print("product 256 x 256 x {:<6} {:7.1f} GFLOP/s   error {:.2e} rms, {:.2e} worst\n", k,
             2.0 * kRows * kColumns * static_cast<double>(k) / seconds * 1e-9, std::sqrt(error / square),
             worst / scale);
}

void row_sums(Index dim) {
  const Index rows = 512;
  const Floats x = random_floats(3, rows * dim), weight(static_cast<std::size_t>(dim), 1.0f);
  Floats y(x.size()), inverse(static_cast<std::size_t>(rows));
  const double seconds =
      seconds_of([&] { rms_norm_forward(rows, dim, x.data(), weight.data(), 1e-6f, y.data(), inverse.data()); });
  double worst = 0;
  for (Index row = 0; row < rows; ++row) {
    double sum = 0;
    for (Index i = 0; i < dim; ++i) sum += double{x[row * dim + i]} * x[row * dim + i];
    const double expected = 1 / std::sqrt(sum / static_cast<double>(dim) + double{1e-6f});
    worst = std::max(worst, std::abs(inverse[row] - expected) / expected);
  }
  fmt::print("RMSNorm 512 x {:<12} {:7.2f} Gelements/s   error {:.2e} worst\n", dim,
             static_cast<double>(rows * dim) / seconds * 1e-9, worst);
}

}  // namespace

int main() {
  for (const Index k : {256, 512, 2048, 16384}) product(k);
  for (const Index dim : {32, 100, 256, 4096}) row_sums(dim);
}
