// Gradients part by part, and activations that are computed again: the bits of the plain pass.

#include "reprise/model/gradient_sink.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "hashed_model.h"

namespace reprise::model {
namespace {

/// Keeps each part in memory of its own and notes what it was asked for.
class RecordingSink : public GradientSink {
 public:
  RecordingSink(const TensorLayout& layout, std::int64_t min_elements, std::size_t num_grains)
      : parts_(gradient_parts(layout, min_elements)),
        memory_(parts_.size(), std::vector<std::vector<float>>(num_grains)),
        num_grains_(num_grains) {}
  std::span<const ChunkRange> parts() const override { return parts_; }
  std::size_t num_grains() const override { return num_grains_; }
  float* take(std::size_t part, std::size_t grain) override {
    if (grain == 0) events_ += "take " + std::to_string(part) + "; ";
    memory_[part][grain].assign(static_cast<std::size_t>(parts_[part].size() * kChunkElements), -7.0f);
    return memory_[part][grain].data();
  }
  void done(std::size_t part) override {
    events_ += "done " + std::to_string(part) + "; ";
    for (std::vector<float>& memory : memory_[part]) done_.push_back(memory);
    // What the pass gave away is no longer its own.
    for (std::vector<float>& memory : memory_[part]) std::fill(memory.begin(), memory.end(), std::nanf(""));
  }

  /// The gradient of a grain as one buffer, from what the parts held when they were done.
  std::vector<float> whole(std::size_t grain) const {
    std::vector<float> flat(static_cast<std::size_t>(parts_.front().end * kChunkElements));
    for (std::size_t part = 0; part < parts_.size(); ++part) {
      const std::vector<float>& values = done_[part * num_grains_ + grain];
      std::copy(values.begin(), values.end(), flat.begin() + parts_[part].begin * kChunkElements);
    }
    return flat;
  }
  const std::string& events() const { return events_; }

 private:
  std::vector<ChunkRange> parts_;
  std::vector<std::vector<std::vector<float>>> memory_;
  std::vector<std::vector<float>> done_;
  std::size_t num_grains_;
  std::string events_;
};

constexpr ModelShape kDeep = {61, 16, 5, 2, 24, 2, 12, 0.5};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

Decoder recomputing(HashedModel& model, std::size_t layers, const std::optional<configs::NativeNumerics>& native = {}) {
  return Decoder(model.recipe, model.shape.vocab_size, model.shape.length, model.layout, model.weights, native,
                 std::nullopt, layers);
}

TEST(GradientParts, CoverTheLayoutFromItsEndAndBeginAtLayers) {
  const HashedModel model(kDeep);
  EXPECT_EQ(gradient_parts(model.layout, 0).size(), 1u);
  const std::vector<ChunkRange> parts = gradient_parts(model.layout, 1);
  ASSERT_EQ(parts.size(), 7u);  // head with the final norm, five layers, embedding
  EXPECT_EQ(parts.front().end, model.layout.num_chunks());
  EXPECT_EQ(parts.front().begin, model.layout.find("model.norm.weight")->first_chunk);
  for (std::size_t part = 1; part < parts.size(); ++part) EXPECT_EQ(parts[part].end, parts[part - 1].begin);
  EXPECT_EQ(parts[1].begin, model.layout.find("model.layers.4.self_attn.q_proj.weight")->first_chunk);
  EXPECT_EQ(parts[5].begin, model.layout.find("model.layers.0.self_attn.q_proj.weight")->first_chunk);
  EXPECT_EQ(parts[6].begin, 0);
}

TEST(GradientParts, AreAtLeastAsLargeAsAskedForButForTheLast) {
  const HashedModel model(kDeep);
  for (const std::int64_t chunks : {5, 12, 30, 1000}) {
    const std::vector<ChunkRange> parts = gradient_parts(model.layout, chunks * kChunkElements);
    for (std::size_t part = 0; part + 1 < parts.size(); ++part) EXPECT_GE(parts[part].size(), chunks);
    EXPECT_EQ(parts.back().begin, 0);
  }
}

TEST(GradientParts, HoldTheBitsOfThePlainPass) {
  HashedModel model(kDeep);
  const Decoder decoder = model.decoder();
  const std::size_t tokens = model.inputs.size() / 2;
  for (const std::int64_t min_elements : {0, 1, 60000}) {
    RecordingSink sink(model.layout, min_elements, 2);
    const GrainLosses losses =
        decoder.run_grains(model.inputs, model.targets, 2, model.shape.length, HashedModel::kZWeight, sink);
    for (std::size_t grain = 0; grain < 2; ++grain) {
      std::vector<float> expected = model.new_gradient();
      decoder.run_grain(std::span(model.inputs).subspan(grain * tokens, tokens),
                        std::span(model.targets).subspan(grain * tokens, tokens), 1, model.shape.length,
                        HashedModel::kZWeight, expected);
      EXPECT_TRUE(same_bits(sink.whole(grain), expected)) << min_elements << ", grain " << grain;
    }
  }
}

TEST(GradientParts, AreTakenWhenThePassComesToThemAndGivenWhenItLeavesThem) {
  HashedModel model(kSmall);
  RecordingSink sink(model.layout, 1, 1);
  model.decoder().run_grains(model.inputs, model.targets, 2, model.shape.length, HashedModel::kZWeight, sink);
  EXPECT_EQ(sink.events(), "take 0; done 0; take 1; done 1; take 2; done 2; take 3; done 3; ");
}

TEST(GradientParts, OfTheNativeProfileComeBehindThePass) {
  HashedModel model(kSmall);
  const Decoder decoder = recomputing(model, 0, configs::NativeNumerics());
  RecordingSink sink(model.layout, 1, 1);
  decoder.run_grains(model.inputs, model.targets, 2, model.shape.length, HashedModel::kZWeight, sink);
  EXPECT_EQ(sink.events(), "take 0; take 1; take 2; take 3; done 0; done 1; done 2; done 3; ");
  EXPECT_TRUE(same_bits(sink.whole(0), model.run(decoder).gradient));
}

TEST(Recomputation, GivesTheBitsOfKeptActivations) {
  HashedModel model(kDeep);
  const GrainResult expected = model.run(model.decoder());
  for (const std::size_t layers : {1u, 2u, 3u, 5u, 9u}) {
    const GrainResult result = model.run(recomputing(model, layers));
    EXPECT_TRUE(same_bits(result.gradient, expected.gradient)) << layers;
    EXPECT_TRUE(same_bits(result.losses.cross_entropy, expected.losses.cross_entropy)) << layers;
    EXPECT_TRUE(same_bits(result.losses.z, expected.losses.z)) << layers;
  }
}

TEST(Recomputation, GivesTheBitsOfKeptActivationsInTheNativeProfile) {
  HashedModel model(kDeep);
  const GrainResult expected = model.run(recomputing(model, 0, configs::NativeNumerics()));
  const GrainResult result = model.run(recomputing(model, 2, configs::NativeNumerics()));
  EXPECT_TRUE(same_bits(result.gradient, expected.gradient));
}

TEST(Recomputation, AnnouncesPartsInsideAPieceToo) {
  HashedModel model(kDeep);
  RecordingSink sink(model.layout, 1, 2);
  recomputing(model, 3).run_grains(model.inputs, model.targets, 2, model.shape.length, HashedModel::kZWeight, sink);
  RecordingSink expected(model.layout, 1, 2);
  model.decoder().run_grains(model.inputs, model.targets, 2, model.shape.length, HashedModel::kZWeight, expected);
  EXPECT_EQ(sink.events(), expected.events());
  for (std::size_t grain = 0; grain < 2; ++grain) EXPECT_TRUE(same_bits(sink.whole(grain), expected.whole(grain)));
}

}  // namespace
}  // namespace reprise::model
