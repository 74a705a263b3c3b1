// The exact functions on a GPU [C-6], [C-7], [C-8], [C-31] to [C-34].

#include <iterator>
#include <limits>

#include "reprise/numerics/function_digests.h"
#include "two_devices.h"

namespace reprise::numerics {
namespace {

constexpr ExactFunction kFunctions[] = {ExactFunction::kExp,  ExactFunction::kLog,  ExactFunction::kSigmoid,
                                        ExactFunction::kTanh, ExactFunction::kErf,  ExactFunction::kSin,
                                        ExactFunction::kCos,  ExactFunction::kRsqrt};

TEST(CudaExactFunctions, HaveThePublishedDigests) {
  const std::unique_ptr<Device> device = emulation::make_emulated_device();
  constexpr std::size_t kNumBytes = kFunctionBlock * sizeof(float);
  auto* const memory = static_cast<float*>(device->take(kNumBytes));
  const auto functions = published_functions();
  ASSERT_EQ(functions.size(), std::size(kFunctions));
  for (std::size_t i = 0; i < functions.size(); ++i) {
    const auto evaluate = [&](std::int64_t count, const float* x, float* y) {
      device->write(memory, x, kNumBytes);
      device->exact_function(kFunctions[i], count, memory, memory);
      device->read(y, memory, kNumBytes);
    };
    EXPECT_EQ(function_digest(evaluate, FunctionInputs::kSample).hex(), functions[i].sample_digest)
        << functions[i].name;
  }
  device->give(memory, kNumBytes);
}

TEST(CudaExactFunctions, EqualTheCpusForAnyCount) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const ExactFunction function : kFunctions) {
    for (const std::int64_t count : {0, 1, 31, 2048, 2049, 5000}) {
      expect_same_bits([&](Device& device, DeviceMemory& memory) {
        std::vector<float> inputs = random_values(count, 3, true);
        const float special[] = {infinity, -infinity, nan, -nan, 89.0f, -104.0f, 0x1p17f, -0x1.000002p17f};
        for (std::size_t i = 0; i < inputs.size(); i += 13) inputs[i] = special[i / 13 % std::size(special)];
        const float* const x = memory.copy_of(inputs);
        float* const y = memory.output(count);
        device.exact_function(function, count, x, y);
        return memory.values(y, count);
      });
    }
  }
}

}  // namespace
}  // namespace reprise::numerics
