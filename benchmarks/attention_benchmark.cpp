// Speed of exact attention, plain and with options, and the backward pass beside one of free order. One thread;
// counters are GFLOP/s over the allowed pairs of thread time, `ratio` is the exact pass's median time by the free
// one's, rounds alternating.

#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "attention_order_free.h"
#include "reprise/numerics/attention.h"

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

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<Index>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// 512 tokens or one sequence, four heads.
struct Case {
  AttentionShape shape;
  AttentionOptions options;
  Floats q, k, v, out, dout, dq, dk, dv, row_max, row_sum;

  Case(Index length, Index dim) : shape{std::max<Index>(1, 512 / length), length, 4, 4, dim} {
    options.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(dim)));
    const Index size = shape.num_sequences * length * 4 * dim;
    for (Floats* x : {&q, &k, &v, &out, &dout, &dq, &dk, &dv}) *x = random_floats(size);
    row_max = row_sum = Floats(static_cast<std::size_t>(shape.num_sequences * 4 * length));
  }

  double allowed_pairs() const {
    double pairs = 0.0;
    for (Index i = 0; i < shape.length; ++i) {
      pairs += static_cast<double>(options.window == 0 ? i + 1 : std::min(i + 1, options.window));
    }
    return pairs * static_cast<double>(shape.num_sequences * shape.num_heads);
  }
  double giga_flop(double products) const {
    return 2.0 * products * allowed_pairs() * static_cast<double>(shape.head_dim) * 1e-9;
  }
  void forward() {
    attention_forward(shape, options, q.data(), k.data(), v.data(), out.data(), row_max.data(), row_sum.data());
  }
  void backward() {
    attention_backward(shape, options, q.data(), k.data(), v.data(), out.data(), row_max.data(), row_sum.data(),
                       dout.data(), dq.data(), dk.data(), dv.data());
  }
  void order_free_backward() {
    order_free::attention_backward(shape.num_sequences, shape.length, shape.num_heads, shape.head_dim, options.scale,
                                   q.data(), k.data(), v.data(), out.data(), row_max.data(), row_sum.data(),
                                   dout.data(), dq.data(), dk.data(), dv.data());
  }
};

void count(benchmark::State& state, double giga_flop) {
  state.counters["GFLOP"] =
      benchmark::Counter(giga_flop * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void forward(benchmark::State& state) {
  Case attention(state.range(0), state.range(1));
  for (auto _ : state) attention.forward();
  count(state, attention.giga_flop(2.0));
}

void backward(benchmark::State& state) {
  Case attention(state.range(0), state.range(1));
  attention.forward();
  for (auto _ : state) attention.backward();
  count(state, attention.giga_flop(5.0));
}

/// The greatest difference of two gradients, by the greatest element.
double difference(const Floats& a, const Floats& b) {
  double greatest = 0.0, scale = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    greatest = std::max(greatest, std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    scale = std::max(scale, std::fabs(static_cast<double>(b[i])));
  }
  return greatest / scale;
}

void backward_against_order_free(benchmark::State& state) {
  Case attention(state.range(0), state.range(1));
  attention.forward();
  attention.backward();
  const Floats dq = attention.dq, dk = attention.dk, dv = attention.dv;
  attention.order_free_backward();
  const double error =
      std::max({difference(attention.dq, dq), difference(attention.dk, dk), difference(attention.dv, dv)});
  if (!(error < 1e-4)) return state.SkipWithError("the order-free pass computes something else");
  std::vector<double> exact, order_free;
  for (auto _ : state) {
    const double start = thread_seconds();
    attention.backward();
    const double middle = thread_seconds();
    attention.order_free_backward();
    exact.push_back(middle - start);
    order_free.push_back(thread_seconds() - middle);
  }
  state.counters["ratio"] = median(exact) / median(order_free);
  state.counters["exact"] = attention.giga_flop(5.0) / median(exact);
  state.counters["free"] = attention.giga_flop(5.0) / median(order_free);
}

enum Option : Index { kPlain, kWindow, kGrouped, kAlibi, kSoftcap, kDocuments };

/// Forward and backward with one option at length 1024, head size 64.
void both_with_option(benchmark::State& state) {
  Case attention(1024, 64);
  const float slopes[4] = {0.25f, 0.0625f, 0.015625f, 0.00390625f};
  std::vector<std::int32_t> starts;
  for (Index i = 0; i < 1024; ++i) starts.push_back(static_cast<std::int32_t>(i / 200 * 200));
  switch (state.range(0)) {
    case kWindow:
      attention.options.window = 256;
      break;
    case kGrouped:
      attention.shape.num_kv_heads = 1;
      break;
    case kAlibi:
      attention.options.alibi_slopes = slopes;
      break;
    case kSoftcap:
      attention.options.softcap = 30.0f;
      break;
    case kDocuments:
      attention.options.document_starts = starts.data();
      break;
    default:
      break;
  }
  for (auto _ : state) {
    attention.forward();
    attention.backward();
  }
}

const std::vector<std::vector<Index>> kShapes{{128, 256, 1024, 2048}, {32, 64}};
BENCHMARK(forward)->Name("attention_forward")->ArgsProduct(kShapes);
BENCHMARK(backward)->Name("attention_backward")->ArgsProduct(kShapes);
BENCHMARK(backward_against_order_free)->Name("attention_backward_against_order_free")->ArgsProduct(kShapes);
BENCHMARK(both_with_option)->Name("attention_both_plain")->Arg(kPlain);
BENCHMARK(both_with_option)->Name("attention_both_window")->Arg(kWindow);
BENCHMARK(both_with_option)->Name("attention_both_grouped")->Arg(kGrouped);
BENCHMARK(both_with_option)->Name("attention_both_alibi")->Arg(kAlibi);
BENCHMARK(both_with_option)->Name("attention_both_softcap")->Arg(kSoftcap);
BENCHMARK(both_with_option)->Name("attention_both_documents")->Arg(kDocuments);

}  // namespace

BENCHMARK_MAIN();
