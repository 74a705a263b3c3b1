// The native profile on a device with a copy of the weights: the bits of the host's memory. LibTorch's CPU stands for
// the device, so that its operators are the same and what is left is the way there and back.
#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "hashed_model.h"
#include "reprise/core/error.h"
#include "reprise/model/gradient_sink.h"

namespace reprise::model {
namespace {

constexpr std::int32_t kEnd = 0;
constexpr ModelShape kDeep = {61, 16, 5, 2, 24, 2, 12, 0.5};

NativeProfile profile(const char* dtype, const char* device) {
  configs::NativeNumerics numerics;
  numerics.set_dtype(dtype);
  return {numerics, device};
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

void expect_same(const GrainResult& result, const GrainResult& expected, const std::string& what = {}) {
  EXPECT_TRUE(same_bits(result.losses.cross_entropy, expected.losses.cross_entropy)) << what;
  EXPECT_TRUE(same_bits(result.losses.z, expected.losses.z)) << what;
  EXPECT_TRUE(same_bits(result.gradient, expected.gradient)) << what;
}

class NativeDevice : public ::testing::TestWithParam<const char*> {
 protected:
  static Decoder on_host(HashedModel& model, std::optional<std::int32_t> end = {}, std::size_t recompute_layers = 0) {
    return decoder_of(model, "", end, recompute_layers);
  }
  static Decoder on_device(HashedModel& model, std::optional<std::int32_t> end = {}, std::size_t recompute_layers = 0) {
    return decoder_of(model, "cpu", end, recompute_layers);
  }

 private:
  static Decoder decoder_of(HashedModel& model, const char* device, std::optional<std::int32_t> end,
                            std::size_t recompute_layers) {
    return Decoder(model.recipe, model.shape.vocab_size, model.shape.length, model.layout, model.weights,
                   profile(GetParam(), device), end, recompute_layers);
  }
};

INSTANTIATE_TEST_SUITE_P(Types, NativeDevice, ::testing::Values("float32", "bfloat16"),
                         [](const auto& type) { return std::string(type.param); });

TEST_P(NativeDevice, HasTheLossesAndTheGradientOfTheHost) {
  for (const ModelShape& shape : {kSmall, kTiny}) {
    HashedModel model(shape);
    expect_same(model.run(on_device(model)), model.run(on_host(model)));
  }
}

TEST_P(NativeDevice, DoesNotCrossTheEndOfADocument) {
  HashedModel model;
  for (std::size_t i = 4; i < model.inputs.size(); i += 5) model.inputs[i] = kEnd;
  const GrainResult expected = model.run(on_host(model, kEnd));
  expect_same(model.run(on_device(model, kEnd)), expected);
  EXPECT_FALSE(same_bits(model.run(on_device(model)).gradient, expected.gradient)) << "the documents matter";
}

TEST_P(NativeDevice, ComputesActivationsAgain) {
  HashedModel model(kDeep);
  const GrainResult expected = model.run(on_host(model));
  for (const std::size_t layers : {1u, 2u, 5u}) {
    expect_same(model.run(on_device(model, {}, layers)), expected, std::to_string(layers));
  }
}

TEST_P(NativeDevice, ScoresAsTheHost) {
  HashedModel model(kTiny);
  const auto score = [&](const Decoder& decoder) {
    return decoder.score(model.inputs, model.targets, model.shape.num_sequences, model.shape.length);
  };
  EXPECT_TRUE(same_bits(score(on_device(model)), score(on_host(model))));
}

TEST_P(NativeDevice, HasTheNewWeightsWhenItIsTold) {
  HashedModel model;
  const Decoder decoder = on_device(model);
  const GrainResult before = model.run(decoder);
  for (float& weight : model.weights) weight *= 0.75f;
  expect_same(model.run(decoder), before, "not told");
  decoder.weights_changed();
  expect_same(model.run(decoder), model.run(on_host(model)), "told");
  EXPECT_FALSE(same_bits(model.run(decoder).gradient, before.gradient));
}

TEST_P(NativeDevice, GivesPassesOfManyThreadsTheSameBits) {
  HashedModel model(kTiny);  // long enough to overlap
  const Decoder decoder = on_device(model);
  const GrainResult expected = model.run(on_host(model));
  std::vector<GrainResult> results(4);
  std::vector<std::thread> threads;
  for (GrainResult& result : results) threads.emplace_back([&] { result = model.run(decoder); });
  for (std::thread& thread : threads) thread.join();
  for (const GrainResult& result : results) expect_same(result, expected);
}

TEST_P(NativeDevice, PaddingOfTheGradientIsZeroAndNegativeTargetsHaveNone) {
  HashedModel model;
  std::fill(model.targets.begin(), model.targets.end(), -1);
  const GrainResult result = model.run(on_device(model));
  for (const float value : result.gradient) ASSERT_EQ(value, 0.0f);
  for (const float value : result.losses.cross_entropy) ASSERT_EQ(value, 0.0f);
}

/// Keeps the parts of one gradient.
struct Parts final : GradientSink {
  explicit Parts(const TensorLayout& layout)
      : all(gradient_parts(layout, 1)), gradient(static_cast<std::size_t>(layout.num_elements()), -7.0f) {}
  std::span<const ChunkRange> parts() const override { return all; }
  std::size_t num_grains() const override { return 1; }
  float* take(std::size_t part, std::size_t) override { return gradient.data() + all[part].begin * kChunkElements; }
  void done(std::size_t) override { ++num_done; }

  std::vector<ChunkRange> all;
  std::vector<float> gradient;
  std::size_t num_done = 0;
};

TEST_P(NativeDevice, GivesTheGradientPartByPart) {
  HashedModel model;
  Parts sink(model.layout);
  on_device(model).run_grains(model.inputs, model.targets, model.shape.num_sequences, model.shape.length,
                              HashedModel::kZWeight, sink);
  ASSERT_GT(sink.all.size(), 1u);
  EXPECT_EQ(sink.num_done, sink.all.size());
  EXPECT_TRUE(same_bits(sink.gradient, model.run(on_host(model)).gradient));
}

TEST(NativeDeviceOfNoLibrary, IsAnErrorByName) {
  HashedModel model;
  try {
    const Decoder decoder(model.recipe, model.shape.vocab_size, model.shape.length, model.layout, model.weights,
                          profile("float32", "cuda:0"));
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kDevice);
    EXPECT_NE(std::string(error.what()).find("cuda:0"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace reprise::model
