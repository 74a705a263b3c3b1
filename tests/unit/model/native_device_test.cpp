// The native profile on a GPU: the losses and gradients of the same profile on the host but for their rounding, and the
// same bits every time. The GPU is the emulated one, and LibTorch's CPU is LibTorch there, over the same memory.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <thread>

#include "emulated_torch.h"
#include "native_model.h"
#include "reprise/core/error.h"
#include "reprise/model/gradient_sink.h"

namespace reprise::model {
namespace {

constexpr std::int32_t kEnd = 0;
constexpr ModelShape kDeep = {61, 16, 5, 2, 24, 2, 12, 0.5};

/// The distance of two vectors over the length of the second.
double distance(std::span<const float> a, std::span<const float> b) {
  double difference = 0, length = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    difference += std::pow(double{a[i]} - double{b[i]}, 2);
    length += std::pow(double{b[i]}, 2);
  }
  return std::sqrt(difference / length);
}

class NativeDevice : public ::testing::TestWithParam<const char*> {
 protected:
  static GrainResult on_host(HashedModel& model, std::optional<std::int32_t> end = {}) {
    return model.run(Decoder(model.recipe, model.shape.vocab_size, model.shape.length, model.layout, model.weights,
                             profile(GetParam(), ""), end));
  }
  static OnDevice on_device(HashedModel& model, std::optional<std::int32_t> end = {},
                            std::size_t recompute_layers = 0) {
    return OnDevice(model, GetParam(), end, recompute_layers);
  }
  static bool is_bfloat16() { return std::string(GetParam()) == "bfloat16"; }
  /// Of two ways of rounding: the products' operands are of 8 bits, or all is float32.
  static void expect_near(const GrainResult& result, const GrainResult& expected) {
    const double tolerance = is_bfloat16() ? 2e-2 : 1e-5;
    EXPECT_LT(distance(result.losses.cross_entropy, expected.losses.cross_entropy), tolerance);
    EXPECT_LT(distance(result.losses.z, expected.losses.z), tolerance);
    EXPECT_LT(distance(result.gradient, expected.gradient), tolerance);
  }

 private:
  emulation::TorchOnEmulatedGpu torch_;
};

INSTANTIATE_TEST_SUITE_P(Types, NativeDevice, ::testing::Values("float32", "bfloat16"),
                         [](const auto& type) { return std::string(type.param); });

TEST_P(NativeDevice, HasTheLossesAndTheGradientOfTheHostButForTheirRounding) {
  for (const ModelShape& shape : {kSmall, kDeep, kTiny}) {
    HashedModel model(shape);
    expect_near(on_device(model).run(), on_host(model));
  }
}

TEST_P(NativeDevice, DoesNotCrossTheEndOfADocument) {
  HashedModel model;
  for (std::size_t i = 4; i < model.inputs.size(); i += 5) model.inputs[i] = kEnd;
  const GrainResult result = on_device(model, kEnd).run();
  expect_near(result, on_host(model, kEnd));
  EXPECT_GT(distance(on_device(model).run().gradient, result.gradient), 0.1) << "the documents matter";
}

TEST_P(NativeDevice, ComputesActivationsAgainToTheSameBits) {
  HashedModel model(kDeep);
  const GrainResult expected = on_device(model).run();
  for (const std::size_t layers : {1u, 2u, 5u}) {
    expect_same(on_device(model, {}, layers).run(), expected, std::to_string(layers));
  }
}

TEST_P(NativeDevice, ScoresWithTheLossesOfAPass) {
  HashedModel model(kTiny);
  const OnDevice there = on_device(model);
  EXPECT_TRUE(same_bits(there.decoder.score(model.inputs, model.targets, model.shape.num_sequences, model.shape.length),
                        there.run().losses.cross_entropy));
}

TEST_P(NativeDevice, HasTheNewWeightsWhenItIsTold) {
  HashedModel model;
  OnDevice there = on_device(model);
  const GrainResult before = there.run();
  for (float& weight : model.weights) weight *= 0.75f;
  there.set_weights(model.weights);
  const GrainResult after = there.run();
  expect_same(after, on_device(model).run());
  EXPECT_FALSE(same_bits(after.gradient, before.gradient));
}

TEST_P(NativeDevice, GivesPassesOfManyThreadsTheSameBits) {
  HashedModel model(kDeep);
  const OnDevice there = on_device(model);
  const GrainResult expected = there.run();
  std::vector<GrainResult> results(4);
  std::vector<std::thread> threads;
  for (GrainResult& result : results) threads.emplace_back([&] { result = there.run(); });
  for (std::thread& thread : threads) thread.join();
  for (const GrainResult& result : results) expect_same(result, expected);
}

TEST_P(NativeDevice, PaddingOfTheGradientIsZeroAndNegativeTargetsHaveNone) {
  HashedModel model;
  std::fill(model.targets.begin(), model.targets.end(), -1);
  const GrainResult result = on_device(model).run();
  for (const float value : result.gradient) ASSERT_EQ(value, 0.0f);
  for (const float value : result.losses.cross_entropy) ASSERT_EQ(value, 0.0f);
}

/// Keeps the parts of one gradient, in the host's memory or the device's.
struct Parts final : GradientSink {
  Parts(const TensorLayout& layout, numerics::Device* on)
      : all(gradient_parts(layout, 1)), device(on), gradient(static_cast<std::size_t>(layout.num_elements()), -7.0f) {
    if (device != nullptr) {
      memory = std::make_unique<numerics::DeviceMemory>(*device);
      there = memory->output(layout.num_elements());
    }
  }
  std::span<const ChunkRange> parts() const override { return all; }
  std::size_t num_grains() const override { return 1; }
  bool is_on_device() const override { return device != nullptr; }
  float* take(std::size_t part, std::size_t) override {
    EXPECT_EQ(part, num_done) << "a part is taken when the one before is done";
    return (device != nullptr ? there : gradient.data()) + all[part].begin * kChunkElements;
  }
  void done(std::size_t part) override {
    EXPECT_EQ(part, num_done++);
    if (device == nullptr) return;
    const std::int64_t first = all[part].begin * kChunkElements;
    device->read(gradient.data() + first, there + first,
                 static_cast<std::size_t>(all[part].size() * kChunkElements) * sizeof(float));
  }

  std::vector<ChunkRange> all;
  numerics::Device* device;
  std::vector<float> gradient;
  std::unique_ptr<numerics::DeviceMemory> memory;
  float* there = nullptr;
  std::size_t num_done = 0;
};

TEST_P(NativeDevice, GivesTheGradientPartByPartWhereverItIsWanted) {
  HashedModel model;
  const OnDevice there = on_device(model);
  const GrainResult expected = there.run();
  for (numerics::Device* const wanted_on : {static_cast<numerics::Device*>(nullptr), there.device.get()}) {
    Parts sink(model.layout, wanted_on);
    there.decoder.run_grains(model.inputs, model.targets, model.shape.num_sequences, model.shape.length,
                             HashedModel::kZWeight, sink);
    ASSERT_GT(sink.all.size(), 1u);
    EXPECT_EQ(sink.num_done, sink.all.size());
    EXPECT_TRUE(same_bits(sink.gradient, expected.gradient));
  }
}

TEST(NativeDeviceOfNoLibrary, IsAnErrorByName) {
  HashedModel model;
  const auto device = emulation::make_emulated_device(numerics::WorkOrder::kLibTorch);
  numerics::DeviceMemory memory(*device);
  try {
    const Decoder decoder(model.recipe, model.shape.vocab_size, model.shape.length, model.layout, model.weights,
                          profile("bfloat16", "cuda:0"), {}, 0, {device.get(), memory.copy_of(model.weights)});
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kDevice);
    EXPECT_NE(std::string(error.what()).find("cuda:0"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace reprise::model
