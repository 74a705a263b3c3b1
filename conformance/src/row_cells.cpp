// Cells of norms, rotary embedding, elementwise operators, the optimizer and the exact functions.

#include <fmt/format.h>

#include <array>

#include "cell_families.h"
#include "reprise/core/tensor_layout.h"

namespace reprise::conformance {
namespace {

using numerics::Activation;
using numerics::Device;
using numerics::ExactFunction;

struct Rows {
  std::int64_t rows, dim;
  std::int64_t count() const { return rows * dim; }
};

Rows any_rows(RandomStream& random, CellSize size) {
  const std::int64_t largest = size == CellSize::kSmall ? 70 : 3000;
  return {any_size(random, size == CellSize::kSmall ? 300 : 3000), any_size(random, largest)};
}

Cell rms_norm(RandomStream& random, CellSize size) {
  const Rows shape = any_rows(random, size);
  const std::vector<float> x = random.values(shape.count()), dy = random.values(shape.count());
  const std::vector<float> weight = random.values_near_one(shape.dim);
  return {fmt::format("rows={} dim={}", shape.rows, shape.dim), [=](Device& device) {
            Outputs out(device);
            const float* const input = out.memory().copy_of(x);
            const float* const scale = out.memory().copy_of(weight);
            float* const inverse = out.add(shape.rows);
            device.rms_norm_forward(shape.rows, shape.dim, input, scale, 1e-6f, out.add(shape.count()), inverse);
            device.rms_norm_backward(shape.rows, shape.dim, out.memory().copy_of(dy), input, scale, inverse,
                                     out.add(shape.count()), out.add(shape.dim));
            return out.read();
          }};
}

Cell layer_norm(RandomStream& random, CellSize size) {
  const Rows shape = any_rows(random, size);
  const bool with_bias = random.coin();
  const std::vector<float> x = random.values(shape.count()), dy = random.values(shape.count());
  const std::vector<float> weight = random.values_near_one(shape.dim), bias = random.values(shape.dim);
  return {fmt::format("rows={} dim={} bias={}", shape.rows, shape.dim, with_bias), [=](Device& device) {
            Outputs out(device);
            const float* const input = out.memory().copy_of(x);
            const float* const scale = out.memory().copy_of(weight);
            float* const mean = out.add(shape.rows);
            float* const inverse = out.add(shape.rows);
            device.layer_norm_forward(shape.rows, shape.dim, input, scale,
                                      with_bias ? out.memory().copy_of(bias) : nullptr, 1e-5f, out.add(shape.count()),
                                      mean, inverse);
            device.layer_norm_backward(shape.rows, shape.dim, out.memory().copy_of(dy), input, scale, mean, inverse,
                                       out.add(shape.count()), out.add(shape.dim),
                                       with_bias ? out.add(shape.dim) : nullptr);
            return out.read();
          }};
}

Cell rotary(RandomStream& random, CellSize size) {
  const std::int64_t sequences = random.integer(1, 4), length = any_size(random, size == CellSize::kSmall ? 40 : 500);
  const std::int64_t heads = random.integer(1, 8), half = random.integer(1, 64);
  const std::int64_t head_dim = 2 * half + (random.coin() ? random.integer(0, 9) : 0);
  const numerics::RotaryLayout layout{
      heads, head_dim, 2 * half, random.coin() ? numerics::RotaryPairs::kHalves : numerics::RotaryPairs::kInterleaved};
  const std::int64_t count = sequences * length * heads * head_dim;
  const std::vector<float> x = random.values(count), dy = random.values(count);
  std::vector<float> cos(static_cast<std::size_t>(length * half)), sin(cos.size());
  numerics::rope_table(length, 2 * half, 10000.0, cos.data(), sin.data());
  return {fmt::format("B={} T={} H={} E={} R={} interleaved={}", sequences, length, heads, head_dim, 2 * half,
                      layout.pairs == numerics::RotaryPairs::kInterleaved),
          [=](Device& device) {
            Outputs out(device);
            const float* const c = out.memory().copy_of(cos);
            const float* const s = out.memory().copy_of(sin);
            device.rotary_forward(sequences, length, layout, out.memory().copy_of(x), c, s, out.add(count));
            device.rotary_backward(sequences, length, layout, out.memory().copy_of(dy), c, s, out.add(count));
            return out.read();
          }};
}

Cell activation(RandomStream& random, CellSize size) {
  static constexpr Activation kAll[] = {Activation::kRelu, Activation::kSigmoid, Activation::kSilu, Activation::kGelu,
                                        Activation::kGeluTanh};
  const Activation which = random.one_of(std::span<const Activation>(kAll));
  const std::int64_t count = any_size(random, size == CellSize::kSmall ? 3000 : 1 << 20);
  const std::vector<float> x = random.values(count), up = random.values(count), dy = random.values(count);
  return {fmt::format("activation={} count={}", static_cast<int>(which), count), [=](Device& device) {
            Outputs out(device);
            const float* const gate = out.memory().copy_of(x);
            const float* const other = out.memory().copy_of(up);
            const float* const gradient = out.memory().copy_of(dy);
            device.activation_forward(which, count, gate, out.add(count));
            device.activation_backward(which, count, gate, gradient, out.add(count));
            device.gated_forward(which, count, gate, other, out.add(count));
            device.gated_backward(which, count, gate, other, gradient, out.add(count), out.add(count));
            return out.read();
          }};
}

Cell elementwise(RandomStream& random, CellSize size) {
  const std::int64_t count = any_size(random, size == CellSize::kSmall ? 3000 : 1 << 20);
  const std::vector<float> a = random.values(count), b = random.values(count);
  const float factor = random.value(), divisor = 1.5f + random.value();
  return {fmt::format("count={}", count), [=](Device& device) {
            Outputs out(device);
            device.add(count, out.memory().copy_of(a), out.memory().copy_of(b), out.add(count));
            device.scale_in_place(count, factor, out.add_changed(a));
            device.divide_in_place(count, divisor, out.add_changed(b));
            return out.read();
          }};
}

Cell dropout(RandomStream& random, CellSize size) {
  const std::int64_t sequences = random.integer(1, 5),
                     count = any_size(random, size == CellSize::kSmall ? 700 : 100000);
  const auto site = numerics::dropout_site(random.integer(1, 12), numerics::DropoutPlace::kAttentionOutput);
  const numerics::DropoutRule rule = numerics::dropout_rule(random.word(), site, 0.125);
  std::vector<std::uint64_t> samples;
  for (std::int64_t i = 0; i < sequences; ++i) samples.push_back(random.word() * std::uint64_t{1} << (i % 3 * 7));
  const std::vector<float> x = random.values(sequences * count);
  return {fmt::format("B={} count={}", sequences, count), [=](Device& device) {
            Outputs out(device);
            device.dropout(sequences, count, rule, out.memory().copy_of(samples), out.memory().copy_of(x),
                           out.add(sequences * count));
            return out.read();
          }};
}

Cell optimizer(RandomStream& random, CellSize size) {
  const std::int64_t count = any_size(random, size == CellSize::kSmall ? 9000 : 1 << 20);
  const std::vector<float> g = random.values(count), w = random.values(count), m = random.values(count);
  std::vector<float> v = random.values(count);
  for (float& x : v) x = x * x;
  const numerics::AdamWStep step{1e-3f, 0.9f, 0.95f, 1e-8f, random.coin() ? 0.1f : 0.0f, 0.271f, 0.142625f};
  return {fmt::format("count={}", count), [=](Device& device) {
            Outputs out(device);
            const float* const gradient = out.memory().copy_of(g);
            device.chunk_sums_of_squares(count, gradient, out.add((count + 4095) / 4096));
            device.adamw_update(count, step, gradient, out.add_changed(w), out.add_changed(m), out.add_changed(v));
            return out.read();
          }};
}

/// Chunks of any length, half of them with a value that may be NaN or infinite; the outputs are bytes.
Cell chunk_digests(RandomStream& random, CellSize size) {
  std::vector<std::int32_t> lengths(static_cast<std::size_t>(any_size(random, size == CellSize::kSmall ? 40 : 600)));
  for (std::int32_t& length : lengths) {
    length = static_cast<std::int32_t>(random.coin() ? random.integer(0, kChunkElements) : any_size(random, 70));
  }
  std::vector<float> x(lengths.size() * static_cast<std::size_t>(kChunkElements));
  for (float& value : x) value = random.value();
  for (std::size_t chunk = 0; chunk < lengths.size(); chunk += 2) {  // in the message or behind it
    const std::int64_t place = random.integer(0, 2 * lengths[chunk]) % kChunkElements;
    x[chunk * kChunkElements + static_cast<std::size_t>(place)] = std::bit_cast<float>(random.word() | 0x7e000000u);
  }
  return {fmt::format("chunks={}", lengths.size()), [=](Device& device) {
            numerics::DeviceMemory memory(device);
            const auto num_chunks = static_cast<std::int64_t>(lengths.size());
            std::vector<std::uint8_t> bytes(lengths.size() * (sizeof(Digest) + 1));
            auto* const digests = memory.copy_of(bytes);
            device.digest_chunks(num_chunks, memory.copy_of(lengths), memory.copy_of(x), digests,
                                 digests + num_chunks * static_cast<std::int64_t>(sizeof(Digest)));
            device.read(bytes.data(), digests, bytes.size());
            return std::vector<float>(bytes.begin(), bytes.end());
          }};
}

/// Arguments of any bits: NaNs, infinities and subnormals too.
Cell exact_function(RandomStream& random, CellSize size) {
  static constexpr ExactFunction kAll[] = {ExactFunction::kExp,  ExactFunction::kLog,  ExactFunction::kSigmoid,
                                           ExactFunction::kTanh, ExactFunction::kErf,  ExactFunction::kSin,
                                           ExactFunction::kCos,  ExactFunction::kRsqrt};
  const ExactFunction which = random.one_of(std::span<const ExactFunction>(kAll));
  std::vector<float> x(static_cast<std::size_t>(any_size(random, size == CellSize::kSmall ? 3000 : 1 << 20)));
  for (float& value : x) value = std::bit_cast<float>(random.word());
  return {fmt::format("function={} count={}", static_cast<int>(which), x.size()), [=](Device& device) {
            Outputs out(device);
            const auto count = static_cast<std::int64_t>(x.size());
            device.exact_function(which, count, out.memory().copy_of(x), out.add(count));
            return out.read();
          }};
}

constexpr OperatorFamily kFamilies[] = {
    {"rms_norm", rms_norm},     {"layer_norm", layer_norm},       {"rotary", rotary},
    {"activation", activation}, {"elementwise", elementwise},     {"dropout", dropout},
    {"optimizer", optimizer},   {"chunk_digests", chunk_digests}, {"exact_function", exact_function},
};

}  // namespace

std::span<const OperatorFamily> row_families() { return kFamilies; }

}  // namespace reprise::conformance
