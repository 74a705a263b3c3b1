// Speed of the exact kernels at the shapes that training uses, one thread. Counters are in units of 10^9 a second:
// FLOP for products and attention (allowed pairs only), elements for the rest. REPRISE_TARGET chooses the instruction
// set; `peak` is what chains of fused multiply-adds reach in registers, so that the others can be read as a share of
// it.

#include <benchmark/benchmark.h>
#include <immintrin.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "reprise/numerics/exact_functions.h"
#include "reprise/numerics/kernels.h"
#include "reprise/numerics/target.h"

namespace {

using namespace reprise::numerics;
using Floats = std::vector<float>;
using Index = std::int64_t;

Floats random_floats(Index count) {
  std::mt19937 generator(static_cast<std::uint32_t>(count));
  std::normal_distribution<float> normal;
  Floats values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(generator);
  return values;
}

void count_giga(benchmark::State& state, const char* unit, double per_iteration) {
  state.counters[unit] =
      benchmark::Counter(per_iteration * 1e-9 * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

// Independent chains of fused multiply-adds in registers: what the processor can do at most.
constexpr int kChains = 12, kRounds = 10000;

__attribute__((target("avx2,fma"))) float chains_avx2(float factor) {
  __m256 sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = _mm256_set1_ps(static_cast<float>(i));  // equal chains would become one
  const __m256 x = _mm256_set1_ps(factor), y = _mm256_set1_ps(0.001f);
  for (int round = 0; round < kRounds; ++round) {
#pragma GCC unroll 16
    for (__m256& sum : sums) sum = _mm256_fmadd_ps(sum, x, y);
  }
  float total = 0.0f;
  for (const __m256& sum : sums) total += _mm256_cvtss_f32(sum);
  return total;
}

__attribute__((target("avx512f"))) float chains_avx512(float factor) {
  __m512 sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = _mm512_set1_ps(static_cast<float>(i));  // equal chains would become one
  const __m512 x = _mm512_set1_ps(factor), y = _mm512_set1_ps(0.001f);
  for (int round = 0; round < kRounds; ++round) {
#pragma GCC unroll 16
    for (__m512& sum : sums) sum = _mm512_fmadd_ps(sum, x, y);
  }
  float total = 0.0f;
  for (const __m512& sum : sums) total += _mm512_cvtss_f32(sum);
  return total;
}

void peak(benchmark::State& state) {
  const Target target = active_target();
  if (target == Target::kPortable) return state.SkipWithError("the portable target has no vectors");
  const bool wide = target == Target::kAvx512;
  float factor = 0.999f;
  for (auto _ : state) {
    benchmark::DoNotOptimize(factor);  // else the loop would be one call
    benchmark::DoNotOptimize(wide ? chains_avx512(factor) : chains_avx2(factor));
  }
  count_giga(state, "GFLOP", 2.0 * kChains * kRounds * (wide ? 16 : 8));
}

template <typename Product>
void run_product(benchmark::State& state, Product product, bool a_by_k, bool b_by_k) {
  const Index m = state.range(0), n = state.range(1), k = state.range(2);
  const Floats a = random_floats(m * k), b = random_floats(n * k);
  Floats c(static_cast<std::size_t>(m * n));
  for (auto _ : state) product(m, n, k, a.data(), a_by_k ? m : k, b.data(), b_by_k ? n : k, c.data(), n);
  count_giga(state, "GFLOP", 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k));
}

void product_nt(benchmark::State& state) { run_product(state, gemm_nt, false, false); }
void product_nn(benchmark::State& state) { run_product(state, gemm_nn, false, true); }
void product_tn(benchmark::State& state) { run_product(state, gemm_tn, true, true); }

struct AttentionCase {
  Index sequences = 2, length, heads = 4, dim = 32;
  Floats q, k, v, out, dout, dq, dk, dv, row_max, row_sum;
  explicit AttentionCase(Index positions) : length(positions) {
    const Index size = sequences * length * heads * dim;
    for (Floats* x : {&q, &k, &v, &out, &dout, &dq, &dk, &dv}) *x = random_floats(size);
    row_max = row_sum = Floats(static_cast<std::size_t>(sequences * heads * length));
  }
  float scale() const { return static_cast<float>(1.0 / std::sqrt(static_cast<double>(dim))); }
  double pairs() const { return static_cast<double>(sequences * heads * length) * static_cast<double>(length + 1) / 2; }
  void forward() {
    attention_forward(sequences, length, heads, dim, scale(), q.data(), k.data(), v.data(), out.data(), row_max.data(),
                      row_sum.data());
  }
  void backward() {
    attention_backward(sequences, length, heads, dim, scale(), q.data(), k.data(), v.data(), out.data(), row_max.data(),
                       row_sum.data(), dout.data(), dq.data(), dk.data(), dv.data());
  }
};

void attention_forward_pass(benchmark::State& state) {
  AttentionCase attention(state.range(0));
  for (auto _ : state) attention.forward();
  count_giga(state, "GFLOP", 4.0 * attention.pairs() * static_cast<double>(attention.dim));
}

void attention_backward_pass(benchmark::State& state) {
  AttentionCase attention(state.range(0));
  attention.forward();
  for (auto _ : state) attention.backward();
  count_giga(state, "GFLOP", 10.0 * attention.pairs() * static_cast<double>(attention.dim));
}

void head_loss(benchmark::State& state) {
  const Index tokens = 512, dim = 128, vocab = 4096;
  const Floats h = random_floats(tokens * dim);
  Floats weight = random_floats(vocab * dim);
  scale_in_place(vocab * dim, 0.05f, weight.data());
  std::vector<std::int32_t> targets;
  for (Index t = 0; t < tokens; ++t) targets.push_back(static_cast<std::int32_t>(t * 7919 % vocab));
  Floats cross_entropy(512), z(512), dh(h.size()), dweight(weight.size());
  for (auto _ : state) {
    head_loss_forward_backward(tokens, dim, vocab, h.data(), weight.data(), targets.data(), 1e-5f, cross_entropy.data(),
                               z.data(), dh.data(), dweight.data());
  }
  count_giga(state, "GFLOP", 6.0 * static_cast<double>(tokens) * static_cast<double>(dim) * static_cast<double>(vocab));
}

void rms_norm_both(benchmark::State& state) {
  const Index rows = 512, dim = 128;
  const Floats x = random_floats(rows * dim), weight(128, 1.0f), dy = random_floats(rows * dim);
  Floats y(x.size()), inverse(512), dx(x.size()), dweight(128);
  for (auto _ : state) {
    rms_norm_forward(rows, dim, x.data(), weight.data(), 1e-6f, y.data(), inverse.data());
    rms_norm_backward(rows, dim, dy.data(), x.data(), weight.data(), inverse.data(), dx.data(), dweight.data());
  }
  count_giga(state, "Gelements", static_cast<double>(rows * dim));
}

void swiglu_both(benchmark::State& state) {
  const Index count = 512 * 384;
  const Floats gate = random_floats(count), up = random_floats(count), dy = random_floats(count);
  Floats y(gate.size()), dgate(gate.size()), dup(gate.size());
  for (auto _ : state) {
    swiglu_forward(count, gate.data(), up.data(), y.data());
    swiglu_backward(count, gate.data(), up.data(), dy.data(), dgate.data(), dup.data());
  }
  count_giga(state, "Gelements", static_cast<double>(count));
}

void adamw(benchmark::State& state) {
  const Index count = 1 << 20;
  const Floats g = random_floats(count);
  Floats w = g, m(g.size()), v(g.size());
  for (auto _ : state) {
    adamw_update(count, {1e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, 0.1f, 0.05f}, g.data(), w.data(), m.data(), v.data());
  }
  count_giga(state, "Gelements", static_cast<double>(count));
}

template <typename Function>
void run_function(benchmark::State& state, Function function) {
  const Index count = 1 << 14;
  const Floats x = random_floats(count);
  Floats y(x.size());
  for (auto _ : state) function(count, x.data(), y.data());
  count_giga(state, "Gelements", static_cast<double>(count));
}

void function_exp(benchmark::State& state) { run_function(state, exact_exp); }
void function_log(benchmark::State& state) { run_function(state, exact_log); }
void function_sigmoid(benchmark::State& state) { run_function(state, exact_sigmoid); }
void function_tanh(benchmark::State& state) { run_function(state, exact_tanh); }
void function_erf(benchmark::State& state) { run_function(state, exact_erf); }
void function_sin(benchmark::State& state) { run_function(state, exact_sin); }
void function_cos(benchmark::State& state) { run_function(state, exact_cos); }
void function_rsqrt(benchmark::State& state) { run_function(state, exact_rsqrt); }

// One grain of `tiny`: 512 tokens, hidden size 128, feed-forward 384, vocabulary 4096.
BENCHMARK(peak);
BENCHMARK(product_nt)->Args({512, 384, 128})->Args({512, 128, 128})->Args({512, 768, 128})->Args({512, 128, 384});
BENCHMARK(product_nt)->Args({256, 4096, 128})->Args({1, 4096, 128})->Args({1024, 1024, 1024});
BENCHMARK(product_nn)->Args({512, 128, 384})->Args({512, 128, 128})->Args({512, 128, 768})->Args({512, 384, 128});
BENCHMARK(product_nn)->Args({256, 128, 4096});
BENCHMARK(product_tn)->Args({384, 128, 512})->Args({128, 128, 512})->Args({768, 128, 512})->Args({128, 384, 512});
BENCHMARK(product_tn)->Args({4096, 128, 256});
// The shape of the step benchmark: 2,048 tokens a grain, hidden size 256, feed-forward 768, vocabulary 8192.
BENCHMARK(product_nt)->Args({2048, 768, 256})->Args({2048, 256, 256})->Args({2048, 256, 768})->Args({256, 8192, 256});
BENCHMARK(product_nn)->Args({2048, 256, 768})->Args({2048, 768, 256})->Args({2048, 256, 1536})->Args({256, 256, 8192});
BENCHMARK(product_tn)->Args({256, 256, 2048})->Args({768, 256, 2048})->Args({256, 768, 2048})->Args({8192, 256, 256});
BENCHMARK(attention_forward_pass)->Arg(256)->Arg(1024);
BENCHMARK(attention_backward_pass)->Arg(256)->Arg(1024);
BENCHMARK(head_loss);
BENCHMARK(rms_norm_both);
BENCHMARK(swiglu_both);
BENCHMARK(adamw);
BENCHMARK(function_exp);
BENCHMARK(function_log);
BENCHMARK(function_sigmoid);
BENCHMARK(function_tanh);
BENCHMARK(function_erf);
BENCHMARK(function_sin);
BENCHMARK(function_cos);
BENCHMARK(function_rsqrt);

}  // namespace

BENCHMARK_MAIN();
