// Exact matrix products beside LibTorch's own sgemm (MKL), over a table of shapes, with one and two threads, in
// alternating rounds. Prints GFLOP/s (medians) and the ratio of medians. Ours divides the rows of c (or the columns,
// where there are more) among threads, which cannot change a bit.
//
// usage: gemm_benchmark [ROUNDS=9]

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

#include "reprise/core/thread_pool.h"
#include "reprise/numerics/kernels.h"
#include "reprise/numerics/target.h"

namespace {

using Index = std::int64_t;
using Kernel = void (*)(Index, Index, Index, const float*, Index, const float*, Index, float*, Index);

struct Case {
  const char* kind;  // nt, nn, tn
  Index m, n, k;
};

const Case kCases[] = {
    {"nt", 1024, 1024, 1024}, {"nn", 1024, 1024, 1024}, {"tn", 1024, 1024, 1024},  // square
    {"nt", 2048, 256, 256},   {"nt", 2048, 768, 256},   {"nt", 2048, 256, 768},    // layers of the step benchmark
    {"nn", 2048, 256, 768},   {"nn", 2048, 256, 1536},  {"nn", 2048, 768, 256},   {"tn", 256, 256, 2048},
    {"tn", 768, 256, 2048},   {"tn", 256, 768, 2048},                             // weight gradients
    {"nt", 256, 8192, 256},   {"nn", 256, 256, 8192},   {"tn", 8192, 256, 256},   // LM head, a chunk of tokens
    {"nt", 512, 384, 128},    {"nn", 512, 128, 768},    {"tn", 768, 128, 512},    // layers of tiny
    {"nt", 2048, 16, 512},    {"nt", 16, 2048, 512},    {"nn", 4096, 32, 64},     // skinny
    {"nn", 2048, 256, 512},   {"nn", 1024, 256, 1024},  {"nt", 1024, 256, 2048},  // strides of powers of two
    {"nt", 8, 8, 8},          {"nt", 31, 33, 37},       {"nn", 63, 65, 127},      {"tn", 127, 129, 255},  // small, odd
    {"nt", 251, 509, 263},    {"nn", 1021, 251, 509},                                                     // prime
};

struct Operands {
  at::Tensor a, b, a_view, b_view, theirs, ours;
};

Operands operands_of(const Case& c) {
  Operands x;
  const bool a_by_k = c.kind[0] == 't', b_by_k = c.kind[1] == 'n';
  x.a = a_by_k ? at::randn({c.k, c.m}) : at::randn({c.m, c.k});
  x.b = b_by_k ? at::randn({c.k, c.n}) : at::randn({c.n, c.k});
  x.a_view = a_by_k ? x.a.t() : x.a;
  x.b_view = b_by_k ? x.b : x.b.t();
  x.theirs = at::empty({c.m, c.n});
  x.ours = at::empty({c.m, c.n});
  return x;
}

void run_ours(const Case& c, const Operands& x, reprise::ThreadPool& threads) {
  const bool a_by_k = c.kind[0] == 't', b_by_k = c.kind[1] == 'n';
  const Kernel kernel = a_by_k   ? reprise::numerics::gemm_tn
                        : b_by_k ? reprise::numerics::gemm_nn
                                 : reprise::numerics::gemm_nt;
  const float* a = x.a.const_data_ptr<float>();
  const float* b = x.b.const_data_ptr<float>();
  float* out = x.ours.mutable_data_ptr<float>();
  const Index lda = a_by_k ? c.m : c.k, ldb = b_by_k ? c.n : c.k;
  // Waking a thread takes longer than a small product.
  const Index parts = c.m * c.n * c.k < 400000 ? 1 : threads.num_threads();
  const auto part = [&](Index i) {
    const bool rows = c.m >= c.n;
    const Index size = rows ? c.m : c.n;
    const Index begin = size * i / parts, end = size * (i + 1) / parts;
    if (rows) {
      kernel(end - begin, c.n, c.k, a + begin * (a_by_k ? 1 : lda), lda, b, ldb, out + begin * c.n, c.n);
    } else {
      kernel(c.m, end - begin, c.k, a, lda, b + begin * (b_by_k ? 1 : ldb), ldb, out + begin, c.n);
    }
  };
  if (parts == 1) {
    part(0);
  } else {
    threads.parallel_for(parts, part);
  }
}

double seconds_of(const std::function<void()>& work, Index repetitions) {
  const auto start = std::chrono::steady_clock::now();
  for (Index i = 0; i < repetitions; ++i) work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() /
         static_cast<double>(repetitions);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void compare(const Case& c, int num_threads, int rounds) {
  at::set_num_threads(num_threads);
  reprise::ThreadPool threads(num_threads);
  const Operands x = operands_of(c);
  const double flops = 2.0 * static_cast<double>(c.m) * static_cast<double>(c.n) * static_cast<double>(c.k);
  const auto repetitions = std::max<Index>(3, static_cast<Index>(2e9 / flops));
  std::vector<double> ours, theirs;
  for (int round = 0; round < rounds + 1; ++round) {
    // OpenMP's threads spin for a while after their work and would take a core from ours.
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    const double mine = seconds_of([&] { run_ours(c, x, threads); }, std::min<Index>(repetitions, 20000));
    const double other = seconds_of([&] { at::mm_out(const_cast<at::Tensor&>(x.theirs), x.a_view, x.b_view); },
                                    std::min<Index>(repetitions, 20000));
    if (round == 0) continue;  // warms up
    ours.push_back(mine);
    theirs.push_back(other);
  }
  fmt::print("{} {:>5} x {:>5} x {:>5} {:>8} {:>9.1f} {:>9.1f} {:>7.2f}\n", c.kind, c.m, c.n, c.k, num_threads,
             flops / median(ours) * 1e-9, flops / median(theirs) * 1e-9, median(theirs) / median(ours));
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 9;
  fmt::print("target {}\n", reprise::numerics::to_string(reprise::numerics::active_target()));
  fmt::print("{:<24} {:>5} {:>9} {:>9} {:>7}\n", "product, m x n x k", "threads", "exact", "LibTorch", "ratio");
  for (const Case& c : kCases) {
    for (const int num_threads : {1, 2}) compare(c, num_threads, rounds);
  }
}
