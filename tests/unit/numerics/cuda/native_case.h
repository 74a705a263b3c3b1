#pragma once
// Inputs and outputs of the native profile's kernels on the emulated GPU, and how near they come to references in
// double precision.

#include <algorithm>
#include <cmath>
#include <string>

#include "reprise/numerics/native_kernels.h"
#include "two_devices.h"

namespace reprise::numerics {

inline constexpr OperandType kOperandTypes[] = {OperandType::kFloat32, OperandType::kBfloat16};

inline float from_bfloat16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

/// The nearer of the two bfloat16 around x, by their distances; of equal ones the even one.
inline std::uint16_t to_bfloat16(float x) {
  if (x != x) return 0x7fff;                                                             // a GPU's
  const auto below = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16);  // towards zero
  const auto above = static_cast<std::uint16_t>(below + 1);
  if (std::isinf(x)) return below;
  const auto size = [](std::uint16_t bits) {
    const double value = std::fabs(static_cast<double>(from_bfloat16(bits)));
    return std::isinf(value) ? 0x1p128 : value;
  };
  const double magnitude = std::fabs(static_cast<double>(x));
  const double to_below = magnitude - size(below), to_above = size(above) - magnitude;
  if (to_below == to_above) return below % 2 == 0 ? below : above;
  return to_below < to_above ? below : above;
}

inline float rounded_to(OperandType type, float x) {
  return type == OperandType::kBfloat16 ? from_bfloat16(to_bfloat16(x)) : x;
}

/// Values that both types have, so that both compute from the same.
inline std::vector<float> operand_values(std::int64_t count, unsigned seed, bool hard = false) {
  std::vector<float> values = random_values(count, seed, hard);
  for (float& x : values) x = rounded_to(OperandType::kBfloat16, x);
  return values;
}

/// Memory of the emulated GPU, with guards around outputs.
class NativeCase {
 public:
  explicit NativeCase(const char* order, int gpu = emulation::kDevice) {
    setenv("REPRISE_EMULATION_ORDER", order, 1);
    device_ = emulation::make_emulated_device(WorkOrder::kOwn, gpu);
    memory_ = std::make_unique<DeviceMemory>(*device_);
  }
  NativeKernels& kernels() { return *device_->native_kernels(); }
  DeviceMemory& memory() { return *memory_; }

  /// An input; `offset` elements of other memory lie before it.
  void* input(OperandType type, const std::vector<float>& values, std::size_t offset = 0) {
    std::vector<float> all(offset, kGuard);
    append(all, values);
    inputs_.push_back({type, place(type, all), all});
    return at(inputs_.back(), offset);
  }
  float* input(const std::vector<float>& values, std::size_t offset = 0) {
    return static_cast<float*>(input(OperandType::kFloat32, values, offset));
  }

  /// An output that holds `values` now, or NaNs.
  void* output(OperandType type, const std::vector<float>& values) {
    std::vector<float> all(kGuards, kGuard);
    append(all, values);
    all.insert(all.end(), kGuards, kGuard);
    outputs_.push_back({type, place(type, all), all});
    return at(outputs_.back(), kGuards);
  }
  void* output(OperandType type, std::int64_t count) {
    return output(type, std::vector<float>(static_cast<std::size_t>(count), std::nanf("")));
  }
  float* output(std::int64_t count) { return static_cast<float*>(output(OperandType::kFloat32, count)); }

  /// The values of all outputs in the order of their making. Expects that nothing else was written.
  std::vector<std::vector<float>> results() {
    std::vector<std::vector<float>> all;
    for (const Buffer& output : outputs_) {
      const std::vector<float> values = read(output);
      for (std::size_t i = 0; i < kGuards; ++i) {
        EXPECT_EQ(values[i], kGuard) << "before an output";
        EXPECT_EQ(values[values.size() - 1 - i], kGuard) << "behind an output";
      }
      all.emplace_back(values.begin() + kGuards, values.end() - kGuards);
    }
    for (const Buffer& input : inputs_) {
      const std::vector<float> values = read(input);
      for (std::size_t i = 0; i < values.size(); ++i) {
        EXPECT_EQ(std::bit_cast<std::uint32_t>(values[i]), std::bit_cast<std::uint32_t>(input.values[i])) << "an input";
      }
    }
    return all;
  }

 private:
  static constexpr float kGuard = -77.0f;
  static constexpr std::ptrdiff_t kGuards = 16;  // keeps 16 bytes' alignment

  struct Buffer {
    OperandType type;
    void* memory;
    std::vector<float> values;
  };

  static void* at(const Buffer& buffer, std::size_t index) {
    return static_cast<char*>(buffer.memory) + index * (buffer.type == OperandType::kBfloat16 ? 2 : 4);
  }
  void* place(OperandType type, const std::vector<float>& values) {
    if (type == OperandType::kFloat32) return memory_->copy_of(values);
    std::vector<std::uint16_t> bits;
    for (const float x : values) bits.push_back(to_bfloat16(x));
    return memory_->copy_of(bits);
  }
  std::vector<float> read(const Buffer& buffer) {
    std::vector<float> values(buffer.values.size());
    if (buffer.type == OperandType::kFloat32) {
      device_->read(values.data(), buffer.memory, values.size() * sizeof(float));
      return values;
    }
    std::vector<std::uint16_t> bits(values.size());
    device_->read(bits.data(), buffer.memory, bits.size() * sizeof(std::uint16_t));
    for (std::size_t i = 0; i < bits.size(); ++i) values[i] = from_bfloat16(bits[i]);
    return values;
  }

  std::unique_ptr<Device> device_;
  std::unique_ptr<DeviceMemory> memory_;
  std::vector<Buffer> inputs_, outputs_;
};

using Results = std::vector<std::vector<float>>;
/// Makes inputs and outputs and calls a kernel.
using UseKernel = std::function<void(NativeCase& on, OperandType type)>;

inline Results results_of(const char* order, OperandType type, const UseKernel& use, int gpu = emulation::kDevice) {
  NativeCase on(order, gpu);
  use(on, type);
  return on.results();
}

inline void expect_bits(const Results& found, const Results& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t k = 0; k < found.size(); ++k) {
    ASSERT_EQ(found[k].size(), expected[k].size());
    for (std::size_t i = 0; i < found[k].size(); ++i) {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(found[k][i]), std::bit_cast<std::uint32_t>(expected[k][i]))
          << "output " << k << ", element " << i << ": " << found[k][i] << ", not " << expected[k][i];
    }
  }
}

/// Returns the results of a type, and expects their bits again in any order of the threads, and a second time.
inline Results repeated_results(OperandType type, const UseKernel& use) {
  const Results first = results_of("forward", type, use);
  for (const char* order : {"forward", "backward", "20251122"}) {
    SCOPED_TRACE(std::string("order of threads ") + order);
    expect_bits(results_of(order, type, use), first);
  }
  return first;
}

/// Expects values within one rounding to the type, and what float32 loses: 1e-5 of the value or of `size`, that of the
/// terms it is made of.
inline void expect_near(const std::vector<float>& found, const std::vector<double>& expected, OperandType type,
                        double size, const char* what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  const double rounding = type == OperandType::kBfloat16 ? 0x1p-8 : 0.0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double allowed = rounding * std::fabs(expected[i]) + 1e-5 * std::max(std::fabs(expected[i]), size);
    ASSERT_LE(std::fabs(static_cast<double>(found[i]) - expected[i]), allowed)
        << what << ", element " << i << ": " << found[i] << ", not " << expected[i];
  }
}

}  // namespace reprise::numerics
