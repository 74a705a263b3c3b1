#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "reprise/core/error.h"
#include "reprise/model/schema.h"

namespace reprise::model {
namespace {

constexpr std::uint64_t kSeed = 20261121;

class Initialization : public ::testing::Test {
 protected:
  Initialization() : layout_(parameter_layout(recipe_, 4096, false)), flat_(layout_.num_elements(), -1.0f) {
    initialize_parameters(layout_, recipe_, kSeed, flat_);
  }

  configs::ModelRecipe recipe_;
  TensorLayout layout_;
  std::vector<float> flat_;
};

TEST_F(Initialization, AgreesWithAnIndependentPhiloxAndInverseNormal) {
  std::ifstream file(REPRISE_SOURCE_DIR "/tests/unit/model/olmo2_known_answer.json");
  const nlohmann::json answer = nlohmann::json::parse(file);
  ASSERT_EQ(answer["seed"].get<std::uint64_t>(), kSeed);
  for (const auto& row : answer["initial"]) {
    const auto& entry = layout_.entries()[row["tensor"].get<std::size_t>()];
    const float expected = row["value"].get<float>();
    const float actual = flat_[static_cast<std::size_t>(entry.offset + row["element"].get<std::int64_t>())];
    // Python's inverse normal may differ in its last bit, and then rarely in the rounding to float32.
    EXPECT_NEAR(actual, expected, std::abs(expected) * 1.2e-7) << row;
  }
}

TEST_F(Initialization, MatricesAreTruncatedNormal) {
  const auto& entry = *layout_.find("lm_head.weight");
  const auto count = static_cast<std::size_t>(entry.spec.num_elements());
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double value = flat_[static_cast<std::size_t>(entry.offset) + i];
    ASSERT_LE(std::abs(value), 3 * 0.02);
    sum += value;
    squares += value * value;
  }
  // The variance of a standard normal cut at 3 is 1 - 6 phi(3) / (2 Phi(3) - 1) = 0.97334.
  EXPECT_NEAR(sum / static_cast<double>(count), 0, 5 * 0.02 / std::sqrt(static_cast<double>(count)));
  EXPECT_NEAR(squares / static_cast<double>(count) / (0.02 * 0.02), 0.97334, 0.01);
}

TEST_F(Initialization, NormsAreOneAndPaddingIsZero) {
  for (const auto& entry : layout_.entries()) {
    const std::int64_t size = entry.spec.num_elements();
    const float* values = flat_.data() + entry.offset;
    if (entry.spec.shape.size() == 1) {
      for (std::int64_t i = 0; i < size; ++i) ASSERT_EQ(values[i], 1.0f) << entry.spec.name;
    }
    for (std::int64_t i = size; i < entry.num_chunks * kChunkElements; ++i) ASSERT_EQ(values[i], 0.0f);
  }
}

TEST_F(Initialization, SeedAndTensorChangeEveryMatrix) {
  std::vector<float> other(flat_.size());
  initialize_parameters(layout_, recipe_, kSeed + (std::uint64_t{1} << 32), other);
  const auto& q = *layout_.find("model.layers.0.self_attn.q_proj.weight");
  const auto& k = *layout_.find("model.layers.0.self_attn.k_proj.weight");
  int same_seed = 0;
  int same_tensor = 0;
  for (std::int64_t i = 0; i < q.spec.num_elements(); ++i) {
    same_seed += flat_[static_cast<std::size_t>(q.offset + i)] == other[static_cast<std::size_t>(q.offset + i)];
    same_tensor += flat_[static_cast<std::size_t>(q.offset + i)] == flat_[static_cast<std::size_t>(k.offset + i)];
  }
  EXPECT_LT(same_seed, 5);
  EXPECT_LT(same_tensor, 5);
}

TEST_F(Initialization, CutOfZeroIsAConfigError) {
  recipe_.set_init_cut(0);
  EXPECT_THROW(initialize_parameters(layout_, recipe_, kSeed, flat_), Error);
}

}  // namespace
}  // namespace reprise::model
