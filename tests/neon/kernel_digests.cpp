// Runs every operator of the kernels on fixed inputs and prints one line per operator and target: its name, the target
// and a digest of all its outputs. The inputs are made of Philox words by exact operations, so programs built for
// different processors must print the same digests. Needs the kernels alone: no test framework, no hash library.

#include <fmt/core.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "reprise/core/philox.h"
#include "reprise/numerics/exact_functions.h"
#include "reprise/numerics/host_math.h"
#include "reprise/numerics/kernels.h"
#include "reprise/numerics/target.h"

namespace reprise::numerics {
namespace {

using Index = std::int64_t;
using Floats = std::vector<float>;

/// FNV-1a of 64 bits: enough to tell one difference among a few million bytes, and its own few lines.
class Fingerprint {
 public:
  void add(std::uint64_t word, int bytes) {
    for (int i = 0; i < bytes; ++i) state_ = (state_ ^ (word >> 8 * i & 0xff)) * 0x100000001b3u;
  }
  void add(const Floats& values) {
    for (const float value : values) add(std::bit_cast<std::uint32_t>(value), 4);
  }
  void add(double value) { add(std::bit_cast<std::uint64_t>(value), 8); }
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325u;
};

/// Multiples of 2^-22 in [-2, 2): exact on every machine.
Floats values(std::uint32_t seed, Index count) {
  Floats result;
  for (Index i = 0; i < count; ++i) {
    const PhiloxCounter words = philox4x32_10(
        {static_cast<std::uint32_t>(RandomPurpose::kTest), seed, static_cast<std::uint32_t>(i), 0}, {5, 0});
    result.push_back(static_cast<float>(static_cast<std::int32_t>(words[0]) >> 8) * 0x1p-22f);
  }
  return result;
}

Floats room(Index count) { return Floats(static_cast<std::size_t>(count), -12345.0f); }

void products(Fingerprint& print) {
  const Index sizes[][3] = {{1, 1, 1}, {5, 9, 300}, {17, 35, 257}, {33, 8, 513}, {64, 70, 40}};
  for (const auto& [m, n, k] : sizes) {
    const Floats a = values(1, m * k), b = values(2, n * k);
    Floats c = room(m * n);
    gemm_nt(m, n, k, a.data(), k, b.data(), k, c.data(), n);
    print.add(c);
    gemm_nn(m, n, k, a.data(), k, b.data(), n, c.data(), n);
    print.add(c);
    gemm_tn(m, n, k, a.data(), m, b.data(), n, c.data(), n);
    print.add(c);
    const GemmPart parts[] = {{a.data(), k, b.data(), n, k / 2},
                              {a.data() + k / 2, k, b.data() + k / 2 * n, n, k - k / 2}};
    gemm_nn_concatenated(m, n, parts, c.data(), n);
    print.add(c);
  }
}

void embedding(Fingerprint& print) {
  const std::vector<std::int32_t> ids = {3, 0, 3, 6, 3, 0, 3, 3, 1, 3};
  const Floats dy = values(3, 190);
  Floats table = room(7 * 19);
  embedding_backward(10, 19, 7, ids.data(), dy.data(), table.data());
  print.add(table);
}

void rms_norm(Fingerprint& print) {
  const Index shapes[][2] = {{1, 1}, {5, 33}, {300, 24}, {7, 128}};
  for (const auto& [rows, dim] : shapes) {
    const Floats x = values(4, rows * dim), weight = values(5, dim), dy = values(6, rows * dim);
    Floats y = room(rows * dim), inverse = room(rows), dx = room(rows * dim), dweight = room(dim);
    rms_norm_forward(rows, dim, x.data(), weight.data(), 1e-6f, y.data(), inverse.data());
    rms_norm_backward(rows, dim, dy.data(), x.data(), weight.data(), inverse.data(), dx.data(), dweight.data());
    for (const Floats& part : {y, inverse, dx, dweight}) print.add(part);
  }
}

void layer_norm(Fingerprint& print) {
  const Index shapes[][2] = {{1, 1}, {5, 33}, {300, 24}, {7, 128}};
  for (const auto& [rows, dim] : shapes) {
    const Floats x = values(4, rows * dim), weight = values(5, dim), bias = values(7, dim), dy = values(6, rows * dim);
    Floats y = room(rows * dim), mean = room(rows), inverse = room(rows);
    Floats dx = room(rows * dim), dweight = room(dim), dbias = room(dim);
    layer_norm_forward(rows, dim, x.data(), weight.data(), bias.data(), 1e-5f, y.data(), mean.data(), inverse.data());
    layer_norm_backward(rows, dim, dy.data(), x.data(), weight.data(), mean.data(), inverse.data(), dx.data(),
                        dweight.data(), dbias.data());
    for (const Floats& part : {y, mean, inverse, dx, dweight, dbias}) print.add(part);
  }
}

void bias(Fingerprint& print) {
  Floats y = values(8, 300 * 37), gradient = room(37);
  bias_gradient(300, 37, y.data(), gradient.data());
  print.add(gradient);
  add_bias(300, 37, gradient.data(), y.data());
  print.add(y);
}

void rotary(Fingerprint& print) {
  for (const RotaryPairs pairs : {RotaryPairs::kHalves, RotaryPairs::kInterleaved}) {
    for (const Index dim : {2, 6, 34}) {
      const RotaryLayout layout{3, 34, dim, pairs};
      Floats cos = room(20 * dim / 2), sin = cos, y = room(2 * 20 * 3 * 34), dx = y;
      rope_table(20, dim, 500000.0, cos.data(), sin.data());
      const Floats x = values(9, 2 * 20 * 3 * 34);
      rotary_forward(2, 20, layout, x.data(), cos.data(), sin.data(), y.data());
      rotary_backward(2, 20, layout, x.data(), cos.data(), sin.data(), dx.data());
      for (const Floats& part : {cos, sin, y, dx}) print.add(part);
    }
  }
}

void attention(Fingerprint& print) {
  const Index shapes[][4] = {{1, 1, 1, 1}, {2, 70, 2, 16}, {1, 33, 3, 17}, {1, 9, 1, 260}, {1, 300, 1, 5}};
  for (const auto& [sequences, length, heads, dim] : shapes) {
    const Index size = sequences * length * heads * dim, rows = sequences * length * heads;
    const Floats q = values(10, size), k = values(11, size), v = values(12, size), dout = values(13, size);
    const auto scale = static_cast<float>(1.0 / __builtin_sqrt(static_cast<double>(dim)));
    Floats out = room(size), maximum = room(rows), sum = room(rows), dq = room(size), dk = dq, dv = dq;
    attention_forward(sequences, length, heads, dim, scale, q.data(), k.data(), v.data(), out.data(), maximum.data(),
                      sum.data());
    attention_backward(sequences, length, heads, dim, scale, q.data(), k.data(), v.data(), out.data(), maximum.data(),
                       sum.data(), dout.data(), dq.data(), dk.data(), dv.data());
    for (const Floats& part : {out, maximum, sum, dq, dk, dv}) print.add(part);
  }
}

void attention_variants(Fingerprint& print) {
  const AttentionShape shape{2, 70, 4, 2, 10};
  const Index size = 2 * 70 * 4 * 10, kv_size = size / 2, rows = 2 * 70 * 4;
  Floats slopes = room(4);
  alibi_slopes(slopes);
  std::vector<std::int32_t> starts;
  for (std::int32_t i = 0; i < 140; ++i) starts.push_back(i % 70 < 40 ? 0 : 40);
  const Floats q = values(26, size), k = values(27, kv_size), v = values(28, kv_size), dout = values(29, size);
  for (const Index window : {0, 7}) {
    for (const float softcap : {0.0f, 2.5f}) {
      const AttentionOptions options{0.25f, window, softcap, slopes.data(), starts.data()};
      Floats out = room(size), maximum = room(rows), sum = room(rows), dq = out, dk = room(kv_size), dv = dk;
      attention_forward(shape, options, q.data(), k.data(), v.data(), out.data(), maximum.data(), sum.data());
      attention_backward(shape, options, q.data(), k.data(), v.data(), out.data(), maximum.data(), sum.data(),
                         dout.data(), dq.data(), dk.data(), dv.data());
      for (const Floats& part : {slopes, out, maximum, sum, dq, dk, dv}) print.add(part);
    }
  }
}

void activations(Fingerprint& print) {
  Floats x = values(14, 1003);
  for (float& value : x) value *= 8.0f;
  const Floats up = values(15, 1003), dy = values(16, 1003);
  for (const Activation f :
       {Activation::kRelu, Activation::kSigmoid, Activation::kSilu, Activation::kGelu, Activation::kGeluTanh}) {
    Floats y = room(1003), dx = y, dup = y;
    activation_forward(f, 1003, x.data(), y.data());
    activation_backward(f, 1003, x.data(), dy.data(), dx.data());
    for (const Floats& part : {y, dx}) print.add(part);
    gated_forward(f, 1003, x.data(), up.data(), y.data());
    gated_backward(f, 1003, x.data(), up.data(), dy.data(), dx.data(), dup.data());
    for (const Floats& part : {y, dx, dup}) print.add(part);
  }
}

void dropping(Fingerprint& print) {
  const DropoutRule rule = dropout_rule(99, dropout_site(2, DropoutPlace::kFeedForwardHidden), 0.3);
  const std::vector<std::uint64_t> samples = {7, 0x123456789u};
  const Floats x = values(17, 2 * 700);
  Floats y = room(2 * 700);
  dropout(2, 700, rule, samples.data(), x.data(), y.data());
  print.add(y);
}

void elementwise(Fingerprint& print) {
  const Floats a = values(18, 1001), b = values(19, 1001);
  Floats y = room(1001);
  add(1001, a.data(), b.data(), y.data());
  print.add(y);
  scale_in_place(1001, 0.3f, y.data());
  print.add(y);
  divide_in_place(1001, 3.0f, y.data());
  print.add(y);
}

void head_loss(Fingerprint& print) {
  const Index shapes[][3] = {{1, 1, 1}, {20, 12, 300}, {300, 5, 33}};
  for (const auto& [tokens, dim, vocab] : shapes) {
    const Floats h = values(20, tokens * dim), weight = values(21, vocab * dim);
    std::vector<std::int32_t> targets;
    for (Index t = 0; t < tokens; ++t) targets.push_back(t % 5 == 3 ? -1 : static_cast<std::int32_t>(t * 7919 % vocab));
    Floats cross_entropy = room(tokens), z = room(tokens), dh = room(tokens * dim), dweight = room(vocab * dim);
    head_loss_forward_backward(tokens, dim, vocab, h.data(), weight.data(), targets.data(), 1e-4f, cross_entropy.data(),
                               z.data(), dh.data(), dweight.data());
    for (const Floats& part : {cross_entropy, z, dh, dweight}) print.add(part);
  }
}

void optimizer(Fingerprint& print) {
  for (const Index count : {1, 31, 33, 4095, 4096}) {
    const Floats g = values(22, count);
    Floats w = values(23, count), m = values(24, count), v = values(25, count);
    for (float& value : v) value *= value;
    print.add({chunk_sum_of_squares(count, g.data())});
    print.add(sum_chunks(g));
    adamw_update(count, {3e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, 0.1f, 0.05f}, g.data(), w.data(), m.data(), v.data());
    for (const Floats& part : {w, m, v}) print.add(part);
  }
}

/// Every 4093rd of all 2^32 inputs of each function: a million, of all magnitudes, NaNs and infinities included.
void exact_functions(Fingerprint& print) {
  constexpr std::uint64_t kStride = 4093;
  Floats x;
  for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += kStride) {
    x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  }
  Floats y = room(static_cast<Index>(x.size()));
  for (const auto function :
       {exact_exp, exact_log, exact_sigmoid, exact_tanh, exact_erf, exact_sin, exact_cos, exact_rsqrt}) {
    function(static_cast<Index>(x.size()), x.data(), y.data());
    print.add(y);
  }
}

void host_functions(Fingerprint& print) {
  for (int i = 1; i < 4000; ++i) {
    const double x = static_cast<double>(i) * 0.0137 - 20.0, p = static_cast<double>(i) / 4000.0;
    for (const double value : {exact_exp(x), exact_log(p * 100.0), exact_pow(p * 7.0, x / 9.0), exact_sin(x * 50.0),
                               exact_cos(x * 50.0), exact_normal(x / 3.0), exact_inverse_normal(p)}) {
      print.add(value);
    }
  }
}

struct Operator {
  const char* name;
  void (*run)(Fingerprint&);
};

constexpr Operator kOperators[] = {
    {"matrix_products", products},
    {"embedding", embedding},
    {"rms_norm", rms_norm},
    {"layer_norm", layer_norm},
    {"bias", bias},
    {"rotary", rotary},
    {"attention", attention},
    {"attention_variants", attention_variants},
    {"activations", activations},
    {"dropout", dropping},
    {"elementwise", elementwise},
    {"head_loss", head_loss},
    {"optimizer", optimizer},
    {"functions", exact_functions},
    {"host_functions", host_functions},
};

}  // namespace
}  // namespace reprise::numerics

int main() {
  using namespace reprise::numerics;
  check_floating_point_environment();
  for (const Target target : available_targets()) {
    set_active_target(target);
    for (const Operator& op : kOperators) {
      Fingerprint print;
      op.run(print);
      std::puts(fmt::format("{} {} {:016x}", op.name, to_string(target), print.value()).c_str());
    }
  }
  return 0;
}
