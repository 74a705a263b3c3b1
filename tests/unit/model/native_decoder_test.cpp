// The native profile of the decoder: close to the exact one, and the same bits for the same work. Its bits are
// LibTorch's, so no value is known beforehand.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "hashed_model.h"
#include "reprise/core/error.h"

namespace reprise::model {
namespace {

configs::NativeNumerics native(const char* dtype = "float32", std::uint32_t threads_per_grain = 1) {
  configs::NativeNumerics numerics;
  numerics.set_dtype(dtype);
  numerics.set_threads_per_grain(threads_per_grain);
  return numerics;
}

Decoder decoder_of(HashedModel& model, const configs::NativeNumerics& numerics) {
  return Decoder(model.recipe, model.shape.vocab_size, model.shape.length, model.layout, model.weights, numerics);
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

bool same_result(const GrainResult& a, const GrainResult& b) {
  return same_bits(a.losses.cross_entropy, b.losses.cross_entropy) && same_bits(a.losses.z, b.losses.z) &&
         same_bits(a.gradient, b.gradient);
}

double norm_of(std::span<const float> values) {
  double squares = 0;
  for (const float value : values) squares += double{value} * value;
  return std::sqrt(squares);
}

/// |a - b| / |b|.
double distance(std::span<const float> a, std::span<const float> b) {
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) squares += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return std::sqrt(squares) / norm_of(b);
}

/// Compares losses, and each tensor of the gradient, in relation to their size.
void expect_close(const HashedModel& model, const GrainResult& result, const GrainResult& expected,
                  double loss_tolerance, double gradient_tolerance) {
  EXPECT_LE(distance(result.losses.cross_entropy, expected.losses.cross_entropy), loss_tolerance);
  EXPECT_LE(distance(result.losses.z, expected.losses.z), loss_tolerance);
  for (const TensorLayout::Entry& entry : model.layout.entries()) {
    const auto offset = static_cast<std::size_t>(entry.offset);
    const auto size = static_cast<std::size_t>(entry.spec.num_elements());
    EXPECT_LE(
        distance(std::span(result.gradient).subspan(offset, size), std::span(expected.gradient).subspan(offset, size)),
        gradient_tolerance)
        << entry.spec.name;
  }
}

class NativeTypes : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(NativeDecoder, NativeTypes, ::testing::Values("float32", "bfloat16"),
                         [](const auto& type) { return std::string(type.param); });

TEST(NativeDecoder, InFloat32HasTheLossesAndGradientsOfTheExactProfile) {
  for (const ModelShape& shape : {kSmall, kTiny}) {
    HashedModel model(shape);
    const GrainResult exact = model.run(model.decoder());
    expect_close(model, model.run(decoder_of(model, native())), exact, 1e-6, 2e-5);  // seen: 1e-7, 2e-6
  }
}

TEST(NativeDecoder, InBfloat16IsNearTheExactProfile) {
  for (const ModelShape& shape : {kSmall, kTiny}) {
    HashedModel model(shape);
    const GrainResult exact = model.run(model.decoder());
    expect_close(model, model.run(decoder_of(model, native("bfloat16"))), exact, 1e-2, 0.1);  // seen: 1e-3, 0.05
  }
}

TEST(NativeDecoder, Bfloat16IsAnotherArithmeticThanFloat32) {
  HashedModel model;
  EXPECT_FALSE(same_result(model.run(decoder_of(model, native("bfloat16"))), model.run(decoder_of(model, native()))));
}

TEST_P(NativeTypes, GivesTheSameBitsAgain) {
  HashedModel model(kTiny);
  const Decoder decoder = decoder_of(model, native(GetParam()));
  const GrainResult first = model.run(decoder);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(same_result(model.run(decoder), first));
}

TEST_P(NativeTypes, GivesTheSameBitsOnManyThreadsAtOnce) {
  HashedModel model(kTiny);
  for (const std::uint32_t threads_per_grain : {1u, 2u}) {
    const Decoder decoder = decoder_of(model, native(GetParam(), threads_per_grain));
    const GrainResult alone = model.run(decoder);
    std::vector<GrainResult> results(4);
    std::vector<std::thread> threads;
    for (GrainResult& result : results) threads.emplace_back([&] { result = model.run(decoder); });
    for (std::thread& thread : threads) thread.join();
    for (const GrainResult& result : results) EXPECT_TRUE(same_result(result, alone)) << threads_per_grain;
  }
}

TEST_P(NativeTypes, GivesTheSameBitsWhereverWeightsAndGradientsLie) {
  HashedModel model(kTiny);
  const GrainResult expected = model.run(decoder_of(model, native(GetParam())));
  std::vector<float> space(model.weights.size() + 16);
  std::vector<float> gradient_space(model.weights.size() + 16);
  for (const std::size_t shift : {1u, 4u, 7u, 8u, 15u}) {
    const std::span<float> weights = std::span(space).subspan(shift, model.weights.size());
    const std::span<float> gradient = std::span(gradient_space).subspan(shift, model.weights.size());
    std::copy(model.weights.begin(), model.weights.end(), weights.begin());
    const Decoder decoder(model.recipe, model.shape.vocab_size, model.shape.length, model.layout, weights,
                          native(GetParam()));
    const GrainLosses losses = decoder.run_grain(model.inputs, model.targets, model.shape.num_sequences,
                                                 model.shape.length, HashedModel::kZWeight, gradient);
    EXPECT_TRUE(same_bits(losses.cross_entropy, expected.losses.cross_entropy)) << shift;
    EXPECT_TRUE(same_bits(gradient, expected.gradient)) << shift;
  }
}

TEST_P(NativeTypes, ScoresAsItTrains) {
  HashedModel model;
  const Decoder decoder = decoder_of(model, native(GetParam()));
  const std::vector<float> trained = model.run(decoder).losses.cross_entropy;
  const std::vector<float> scored =
      decoder.score(model.inputs, model.targets, model.shape.num_sequences, model.shape.length);
  EXPECT_TRUE(same_bits(scored, trained));
}

TEST_P(NativeTypes, AsksForNothingToBeScoredTogether) {  // it would show in the bits
  HashedModel model;
  EXPECT_EQ(decoder_of(model, native(GetParam())).score_batch_tokens(), 0);
  EXPECT_GT(model.decoder().score_batch_tokens(), 0);
}

TEST_P(NativeTypes, NegativeTargetsHaveNoLossAndNoGradient) {
  HashedModel model;
  std::fill(model.targets.begin(), model.targets.end(), -1);
  const GrainResult result = model.run(decoder_of(model, native(GetParam())));
  for (const float value : result.losses.cross_entropy) ASSERT_EQ(value, 0.0f);
  for (const float value : result.losses.z) ASSERT_EQ(value, 0.0f);
  for (const float value : result.gradient) ASSERT_EQ(value, 0.0f);
}

TEST(NativeDecoder, LeavesTheExactProfileAsItIs) {
  HashedModel model(kTiny);
  const GrainResult before = model.run(model.decoder());
  model.run(decoder_of(model, native()));
  EXPECT_TRUE(same_result(model.run(model.decoder()), before));
}

TEST(NativeDecoder, PaddingOfTheGradientIsZero) {
  HashedModel model;
  const std::vector<float> gradient = model.run(decoder_of(model, native())).gradient;
  for (const auto& entry : model.layout.entries()) {
    for (std::int64_t i = entry.spec.num_elements(); i < entry.num_chunks * kChunkElements; ++i) {
      ASSERT_EQ(gradient[static_cast<std::size_t>(entry.offset + i)], 0.0f) << entry.spec.name;
    }
  }
}

TEST(NativeDecoder, RefusesAnEnvironmentThatLetsOpenMpChooseTheNumberOfThreads) {
  HashedModel model;
  ::setenv("OMP_DYNAMIC", "true", 1);
  try {
    decoder_of(model, native("float32", 2));
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_EQ(std::string(error.hint()), "unset OMP_DYNAMIC");
  }
  decoder_of(model, native());  // one thread cannot become fewer
  ::unsetenv("OMP_DYNAMIC");
}

}  // namespace
}  // namespace reprise::model
