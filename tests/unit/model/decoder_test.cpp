#include "reprise/model/decoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "hashed_model.h"
#include "reprise/core/error.h"
#include "reprise/numerics/target.h"

namespace reprise::model {
namespace {

nlohmann::json known_answer(const std::string& path = REPRISE_SOURCE_DIR "/tests/unit/model/olmo2_known_answer.json") {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

double total_loss(const GrainLosses& losses) {
  double sum = 0;
  for (std::size_t i = 0; i < losses.z.size(); ++i) {
    sum += double{losses.cross_entropy[i]} + double{HashedModel::kZWeight} * losses.z[i];
  }
  return sum;
}

/// Compares a grain with the known answer of the same case, in relation to the size of each value or tensor.
void expect_known_answer(const HashedModel& model, const GrainResult& result, const std::string& name,
                         double loss_tolerance, double gradient_tolerance) {
  const nlohmann::json answer = known_answer()["cases"][name];
  ASSERT_EQ(answer["cross_entropy"].size(), model.inputs.size());
  for (std::size_t i = 0; i < model.inputs.size(); ++i) {
    const double cross_entropy = answer["cross_entropy"][i];
    const double z = answer["z"][i];
    EXPECT_NEAR(result.losses.cross_entropy[i], cross_entropy, loss_tolerance * cross_entropy) << "token " << i;
    EXPECT_NEAR(result.losses.z[i], z, loss_tolerance * z) << "token " << i;
  }
  const auto& entries = model.layout.entries();
  ASSERT_EQ(answer["gradients"].size(), entries.size());
  for (std::size_t index = 0; index < entries.size(); ++index) {
    const nlohmann::json& expected = answer["gradients"][index];
    ASSERT_EQ(expected["name"], entries[index].spec.name);
    const float* values = result.gradient.data() + entries[index].offset;
    const auto size = static_cast<std::uint32_t>(entries[index].spec.num_elements());
    double squares = 0;
    double projection = 0;
    for (std::uint32_t i = 0; i < size; ++i) {
      squares += double{values[i]} * values[i];
      projection += values[i] * fraction(2000 + static_cast<std::uint32_t>(index), i);
    }
    const double norm = expected["norm"];
    const double tolerance = gradient_tolerance * norm;
    EXPECT_NEAR(std::sqrt(squares), norm, tolerance) << entries[index].spec.name;
    EXPECT_NEAR(projection, expected["projection"], tolerance) << entries[index].spec.name;
    for (std::uint32_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(values[i], expected["first"][i], tolerance) << entries[index].spec.name << " element " << i;
      EXPECT_NEAR(values[size - 4 + i], expected["last"][i], tolerance) << entries[index].spec.name;
    }
  }
}

TEST(Decoder, SmallModelHasTheLossesAndGradientsOfPyTorch) {
  HashedModel model(kSmall);
  const Decoder decoder = model.decoder();
  expect_known_answer(model, model.run(decoder), "small", 1e-6, 2e-6);
}

TEST(Decoder, ModelAndGrainOfTinyHaveTheLossesAndGradientsOfPyTorch) {
  HashedModel model(kTiny);
  const Decoder decoder = model.decoder();
  expect_known_answer(model, model.run(decoder), "tiny", 1e-6, 2e-6);
}

TEST(Decoder, EveryTargetGivesTheSameBits) {
  HashedModel model(kTiny);
  model.inputs.resize(64);  // two sequences of 32: the portable target is slow
  model.targets.resize(64);
  model.shape.length = 32;
  const Decoder decoder = model.decoder();
  const numerics::Target active = numerics::active_target();
  const GrainResult expected = model.run(decoder);
  for (const numerics::Target target : numerics::available_targets()) {
    numerics::set_active_target(target);
    const GrainResult result = model.run(decoder);
    EXPECT_TRUE(same_bits(result.losses.cross_entropy, expected.losses.cross_entropy)) << to_string(target);
    EXPECT_TRUE(same_bits(result.losses.z, expected.losses.z)) << to_string(target);
    EXPECT_TRUE(same_bits(result.gradient, expected.gradient)) << to_string(target);
  }
  numerics::set_active_target(active);
}

TEST(Decoder, KnownAnswerIsWhatPyTorchGivesToday) {
  const char* python = std::getenv("REPRISE_PEERS_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "REPRISE_PEERS_PYTHON is not set";
  const std::string path = ::testing::TempDir() + "olmo2_known_answer.json";
  const std::string command = std::string(python) + " " REPRISE_SOURCE_DIR "/tests/peers/olmo2_reference.py " + path;
  ASSERT_EQ(std::system(command.c_str()), 0);
  const nlohmann::json fresh = known_answer(path);
  const nlohmann::json stored = known_answer();
  EXPECT_EQ(fresh["initial"], stored["initial"]);
  for (const char* name : {"small", "tiny"}) {
    const nlohmann::json& ours = stored["cases"][name];
    const nlohmann::json& theirs = fresh["cases"][name];
    for (std::size_t i = 0; i < ours["cross_entropy"].size(); ++i) {
      EXPECT_NEAR(theirs["cross_entropy"][i].get<double>(), ours["cross_entropy"][i].get<double>(), 2e-9);
    }
    for (std::size_t i = 0; i < ours["gradients"].size(); ++i) {
      const double norm = ours["gradients"][i]["norm"];
      EXPECT_NEAR(theirs["gradients"][i]["projection"].get<double>(), ours["gradients"][i]["projection"].get<double>(),
                  1e-10 * norm);
    }
  }
}

TEST(Decoder, GradientIsTheDerivativeOfTheLossAlongADirection) {
  HashedModel model;
  const Decoder decoder = model.decoder();
  const std::vector<float> at_rest = model.weights;
  const std::vector<float> gradient = model.run(decoder).gradient;
  for (std::uint32_t direction = 0; direction < 3; ++direction) {
    constexpr double kStep = 2e-3;
    double expected = 0;
    double moved[2];
    for (const int side : {0, 1}) {
      for (std::uint32_t i = 0; i < at_rest.size(); ++i) {
        const double along = fraction(3000 + direction, i);
        if (side == 0) expected += gradient[i] * along;
        model.weights[i] = static_cast<float>(at_rest[i] + (side == 0 ? kStep : -kStep) * along);
      }
      moved[side] = total_loss(model.run(decoder).losses);
    }
    const double slope = (moved[0] - moved[1]) / (2 * kStep);
    EXPECT_NEAR(slope, expected, 0.01 * std::abs(expected) + 0.05) << "direction " << direction;
  }
}

TEST(Decoder, PaddingOfTheGradientIsZero) {
  HashedModel model;
  const std::vector<float> gradient = model.run(model.decoder()).gradient;
  for (const auto& entry : model.layout.entries()) {
    for (std::int64_t i = entry.spec.num_elements(); i < entry.num_chunks * kChunkElements; ++i) {
      ASSERT_EQ(gradient[static_cast<std::size_t>(entry.offset + i)], 0.0f) << entry.spec.name;
    }
  }
}

TEST(Decoder, NegativeTargetsHaveNoLoss) {
  HashedModel model;
  std::fill(model.targets.begin(), model.targets.end(), -1);
  const GrainResult result = model.run(model.decoder());
  EXPECT_EQ(total_loss(result.losses), 0.0);
  for (const float value : result.gradient) ASSERT_EQ(value, 0.0f);
}

TEST(Decoder, GrainsInOnePassGiveTheBitsOfEachAlone) {
  HashedModel model;
  const Decoder decoder = model.decoder();
  const std::size_t tokens = model.inputs.size() / 2;  // a grain of one sequence
  std::vector<std::vector<float>> together = {model.new_gradient(), model.new_gradient()};
  const std::vector<std::span<float>> gradients = {together[0], together[1]};
  const GrainLosses losses =
      decoder.run_grains(model.inputs, model.targets, 2, model.shape.length, HashedModel::kZWeight, gradients);
  for (std::size_t grain = 0; grain < 2; ++grain) {
    std::vector<float> gradient = model.new_gradient();
    const GrainLosses alone =
        decoder.run_grain(std::span(model.inputs).subspan(grain * tokens, tokens),
                          std::span(model.targets).subspan(grain * tokens, tokens), 1, model.shape.length,
                          HashedModel::kZWeight, gradient);
    EXPECT_TRUE(same_bits(together[grain], gradient)) << "grain " << grain;
    const auto begin = losses.cross_entropy.begin() + static_cast<std::ptrdiff_t>(grain * tokens);
    EXPECT_TRUE(same_bits({begin, begin + static_cast<std::ptrdiff_t>(tokens)}, alone.cross_entropy));
  }
}

TEST(Decoder, ThreadsAtOnceGiveTheBitsOfOne) {
  HashedModel model;
  const Decoder decoder = model.decoder();
  const GrainResult alone = model.run(decoder);
  std::vector<GrainResult> results(12);
  std::vector<std::thread> threads;
  for (int worker = 0; worker < 4; ++worker) {
    threads.emplace_back([&, worker] {
      for (int i = worker; i < 12; i += 4) results[static_cast<std::size_t>(i)] = model.run(decoder);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const GrainResult& result : results) {
    EXPECT_TRUE(same_bits(result.losses.cross_entropy, alone.losses.cross_entropy));
    EXPECT_TRUE(same_bits(result.losses.z, alone.losses.z));
    EXPECT_TRUE(same_bits(result.gradient, alone.gradient));
  }
}

TEST(Decoder, ScoreGivesTheBitsOfRunGrain) {
  HashedModel model;
  const Decoder decoder = model.decoder();
  EXPECT_TRUE(same_bits(decoder.score(model.inputs, model.targets, kSmall.num_sequences, kSmall.length),
                        model.run(decoder).losses.cross_entropy));
}

TEST(Decoder, ScoreDoesNotDependOnTheBatch) {
  HashedModel model;
  const Decoder decoder = model.decoder(64);
  constexpr std::int64_t kCount = 101;  // more than one internal batch, and a ragged last one
  std::vector<std::int32_t> inputs;
  std::vector<std::int32_t> targets;
  for (std::uint32_t i = 0; i < kCount * kSmall.length; ++i) {
    inputs.push_back(static_cast<std::int32_t>(hash32(50, i) % kSmall.vocab_size));
    targets.push_back(static_cast<std::int32_t>(hash32(51, i) % kSmall.vocab_size));
  }
  const std::vector<float> together = decoder.score(inputs, targets, kCount, kSmall.length);
  std::vector<float> apart;
  for (std::int64_t i = 0; i < kCount; ++i) {
    const auto begin = static_cast<std::size_t>(i * kSmall.length);
    const std::vector<float> one = decoder.score(std::span(inputs).subspan(begin, kSmall.length),
                                                 std::span(targets).subspan(begin, kSmall.length), 1, kSmall.length);
    apart.insert(apart.end(), one.begin(), one.end());
  }
  EXPECT_TRUE(same_bits(together, apart));
}

TEST(Decoder, ScoreDoesNotDependOnPaddingBehindTheSequence) {
  HashedModel model;
  const Decoder decoder = model.decoder(64);
  for (std::int64_t length = 1; length <= kSmall.length; ++length) {
    const auto size = static_cast<std::size_t>(length);
    std::vector<std::int32_t> inputs(model.inputs.begin(), model.inputs.begin() + length);
    std::vector<std::int32_t> targets(model.targets.begin(), model.targets.begin() + length);
    const std::vector<float> bare = decoder.score(inputs, targets, 1, length);
    inputs.resize(50, 3);
    targets.resize(50, -1);
    std::vector<float> padded = decoder.score(inputs, targets, 1, 50);
    for (std::size_t i = size; i < padded.size(); ++i) EXPECT_EQ(padded[i], 0.0f);
    padded.resize(size);
    EXPECT_TRUE(same_bits(padded, bare)) << "length " << length;
  }
}

TEST(Decoder, ScoreOfNothingIsNothing) {
  HashedModel model;
  EXPECT_TRUE(model.decoder().score({}, {}, 0, kSmall.length).empty());
}

TEST(Decoder, ReadsWeightsAtEachCall) {
  HashedModel model;
  const Decoder decoder = model.decoder();
  const std::vector<float> before = model.run(decoder).losses.cross_entropy;
  model.weights[0] += 1.0f;  // row of token 0, which occurs
  EXPECT_FALSE(same_bits(before, model.run(decoder).losses.cross_entropy));
}

TEST(Decoder, TokenOutsideTheVocabularyIsADataError) {
  HashedModel model;
  const Decoder decoder = model.decoder();
  model.inputs[5] = 61;
  try {
    model.run(decoder);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_STREQ(error.what(), "input token 61 at position 5 is outside the vocabulary of 61");
  }
  model.inputs[5] = -1;
  EXPECT_THROW(model.run(decoder), Error);
}

TEST(Decoder, SequenceLongerThanTheModelIsAUsageError) {
  HashedModel model;
  const Decoder decoder = model.decoder(kSmall.length - 1);
  EXPECT_THROW(model.run(decoder), Error);
}

}  // namespace
}  // namespace reprise::model
