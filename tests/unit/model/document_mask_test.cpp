// Attention that does not cross an end of text (docs/numeric_contract.md, [C-41]).
#include <gtest/gtest.h>

#include <cstring>

#include "document_starts.h"
#include "hashed_model.h"
#include "reprise/numerics/target.h"

namespace reprise::model {
namespace {

constexpr std::int32_t kEnd = 0;
constexpr ModelShape kPacked = {61, 16, 2, 2, 24, 2, 40, 0.5};
// Documents of both sequences: positions 0 to 10, 11 to 25 and 26 to 39, the last without its end.
constexpr std::int64_t kBegin = 11, kStop = 26;

/// Sequences of three documents each.
struct PackedModel : HashedModel {
  PackedModel() : HashedModel(kPacked) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      inputs[i] = 1 + inputs[i] % 60;
      const auto position = static_cast<std::int64_t>(i) % kPacked.length;
      if (position == kBegin - 1 || position == kStop - 1) inputs[i] = kEnd;
    }
  }
  Decoder masked(const std::optional<configs::NativeNumerics>& native = std::nullopt) {
    return Decoder(recipe, shape.vocab_size, shape.length, layout, weights, native, kEnd);
  }
  static bool in_middle(std::size_t i) {
    const auto position = static_cast<std::int64_t>(i) % kPacked.length;
    return position >= kBegin && position < kStop;
  }
  /// Other words in the first and the last document; no target there.
  void change_neighbours() {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!in_middle(i) && inputs[i] != kEnd) inputs[i] = 1 + (inputs[i] + 17) % 60;
    }
  }
  void keep_targets_of_the_middle() {
    for (std::size_t i = 0; i < targets.size(); ++i) {
      if (!in_middle(i)) targets[i] = -1;
    }
  }
};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(StartsOfDocuments, ADocumentStartsAfterTheEndOfTheOneBeforeAndAtTheFrontOfASequence) {
  const std::vector<std::int32_t> ids = {5, 5, 0, 5, 0, 0, 5, 5, 5, 0};
  EXPECT_EQ(starts_of_documents(ids, 5, 0), (std::vector<std::int32_t>{0, 0, 0, 3, 3, 0, 1, 1, 1, 1}));
  EXPECT_EQ(starts_of_documents(ids, 10, 0), (std::vector<std::int32_t>{0, 0, 0, 3, 3, 5, 6, 6, 6, 6}));
  EXPECT_EQ(starts_of_documents(ids, 5, 7), std::vector<std::int32_t>(10, 0));
}

TEST(DocumentMask, LossesAndGradientOfADocumentDoNotDependOnItsNeighbours) {
  PackedModel model;
  model.keep_targets_of_the_middle();
  const GrainResult before = model.run(model.masked());
  const GrainResult before_without = model.run(model.decoder());
  model.change_neighbours();
  const GrainResult after = model.run(model.masked());
  EXPECT_TRUE(same_bits(after.losses.cross_entropy, before.losses.cross_entropy));
  EXPECT_TRUE(same_bits(after.losses.z, before.losses.z));
  EXPECT_TRUE(same_bits(after.gradient, before.gradient));
  const GrainResult after_without = model.run(model.decoder());
  EXPECT_FALSE(same_bits(after_without.losses.cross_entropy, before_without.losses.cross_entropy));
  EXPECT_FALSE(same_bits(after_without.gradient, before_without.gradient));
}

TEST(DocumentMask, TheFirstDocumentHasTheLossesItHasAlone) {
  PackedModel model;
  const Decoder decoder = model.masked();
  const GrainLosses packed = model.run(decoder).losses;
  std::vector<float> gradient = model.new_gradient();
  const GrainLosses alone =
      decoder.run_grain(std::span(model.inputs).first(kBegin), std::span(model.targets).first(kBegin), 1, kBegin,
                        HashedModel::kZWeight, gradient);
  EXPECT_TRUE(same_bits({packed.cross_entropy.begin(), packed.cross_entropy.begin() + kBegin}, alone.cross_entropy));
}

TEST(DocumentMask, ChangesNothingWhereNoDocumentEnds) {
  HashedModel model;
  for (std::int32_t& id : model.inputs) id = std::max(1, id);
  const Decoder masked(model.recipe, model.shape.vocab_size, model.shape.length, model.layout, model.weights,
                       std::nullopt, kEnd);
  const GrainResult plain = model.run(model.decoder());
  const GrainResult same = model.run(masked);
  EXPECT_TRUE(same_bits(same.losses.cross_entropy, plain.losses.cross_entropy));
  EXPECT_TRUE(same_bits(same.gradient, plain.gradient));
}

TEST(DocumentMask, ThePredictionAcrossABoundaryCounts) {
  PackedModel model;
  const GrainResult result = model.run(model.masked());
  EXPECT_NE(result.losses.cross_entropy[kStop - 1], 0.0f) << "from the end of text to the next document";
}

TEST(DocumentMask, ScoresAsItTrains) {
  PackedModel model;
  const Decoder decoder = model.masked();
  EXPECT_TRUE(same_bits(decoder.score(model.inputs, model.targets, kPacked.num_sequences, kPacked.length),
                        model.run(decoder).losses.cross_entropy));
}

TEST(DocumentMask, GrainsInOnePassGiveTheBitsOfEachAlone) {
  PackedModel model;
  const Decoder decoder = model.masked();
  std::vector<std::vector<float>> together = {model.new_gradient(), model.new_gradient()};
  const std::vector<std::span<float>> gradients = {together[0], together[1]};
  decoder.run_grains(model.inputs, model.targets, 2, kPacked.length, HashedModel::kZWeight, gradients);
  for (std::size_t grain = 0; grain < 2; ++grain) {
    std::vector<float> gradient = model.new_gradient();
    const std::size_t tokens = model.inputs.size() / 2;
    decoder.run_grain(std::span(model.inputs).subspan(grain * tokens, tokens),
                      std::span(model.targets).subspan(grain * tokens, tokens), 1, kPacked.length,
                      HashedModel::kZWeight, gradient);
    EXPECT_TRUE(same_bits(together[grain], gradient)) << "grain " << grain;
  }
}

TEST(DocumentMask, GivesTheSameBitsOnEveryTarget) {
  PackedModel model;
  const Decoder decoder = model.masked();
  const numerics::Target before = numerics::active_target();
  const GrainResult expected = model.run(decoder);
  for (const numerics::Target target : numerics::available_targets()) {
    numerics::set_active_target(target);
    const GrainResult result = model.run(decoder);
    EXPECT_TRUE(same_bits(result.gradient, expected.gradient)) << numerics::to_string(target);
    EXPECT_TRUE(same_bits(result.losses.cross_entropy, expected.losses.cross_entropy)) << numerics::to_string(target);
  }
  numerics::set_active_target(before);
}

// LibTorch's attention with a boolean mask is an implementation of its own.
TEST(DocumentMask, OfTheNativeProfileIsThatOfTheExactOne) {
  for (const char* dtype : {"float32", "bfloat16"}) {
    PackedModel model;
    configs::NativeNumerics native;
    native.set_dtype(dtype);
    const std::vector<float> exact = model.run(model.masked()).losses.cross_entropy;
    const std::vector<float> unmasked = model.run(model.decoder()).losses.cross_entropy;
    const std::vector<float> loss = model.run(model.masked(native)).losses.cross_entropy;
    const bool is_float = std::string(dtype) == "float32";
    double largest = 0;
    for (std::size_t i = 0; i < loss.size(); ++i) {
      EXPECT_NEAR(loss[i], exact[i], is_float ? 1e-5 : 0.1) << dtype << ", token " << i;
      largest = std::max(largest, std::abs(double{exact[i]} - unmasked[i]));
    }
    EXPECT_GT(largest, 0.3) << "the mask changes nothing here: the comparison shows nothing";
  }
}

TEST(DocumentMask, OfTheNativeProfileKeepsNeighboursApart) {
  PackedModel model;
  model.keep_targets_of_the_middle();
  const Decoder decoder = model.masked(configs::NativeNumerics());
  const GrainResult before = model.run(decoder);
  model.change_neighbours();
  EXPECT_TRUE(same_bits(model.run(decoder).losses.cross_entropy, before.losses.cross_entropy));
}

}  // namespace
}  // namespace reprise::model
