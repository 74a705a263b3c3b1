// The conformance program's checks, which must see what they are there to see.

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "checks.h"
#include "cpu_device.h"
#include "function_sweep.h"

namespace reprise::conformance {
namespace {

using numerics::CpuDevice;

const SayProgress kQuiet = [](const std::string&) {};

TEST(Cells, AreAFunctionOfTheirIndex) {
  for (std::uint32_t index = 0; index < 2 * operator_families().size(); ++index) {
    const Cell first = make_cell(index, CellSize::kSmall), second = make_cell(index, CellSize::kSmall);
    EXPECT_EQ(first.description, second.description);
    const std::vector<float> a = first.run(numerics::cpu_device()), b = second.run(numerics::cpu_device());
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(comparable_bits(a[i]), comparable_bits(b[i]));
  }
}

TEST(Cells, MeetEveryFamilyInTurn) {
  std::set<std::string> met;
  for (std::uint32_t index = 0; index < operator_families().size(); ++index) {
    const std::string description = make_cell(index, CellSize::kSmall).description;
    met.insert(description.substr(0, description.find(' ')));
  }
  for (const OperatorFamily& family : operator_families()) EXPECT_TRUE(met.contains(std::string(family.name)));
}

TEST(Cells, HaveValuesAlmostEverywhere) {
  // A cell of NaNs would be the same on every device.
  for (std::uint32_t index = 0; index < 3 * operator_families().size(); ++index) {
    const Cell cell = make_cell(index, CellSize::kSmall);
    if (cell.description.rfind("exact_function", 0) == 0) continue;  // whose arguments have any bits
    for (const float x : cell.run(numerics::cpu_device())) ASSERT_FALSE(std::isnan(x)) << cell.description;
  }
}

/// Wrong by the last bit of one element of one operator.
class NearlyRight final : public CpuDevice {
 public:
  void rms_norm_forward(std::int64_t num_rows, std::int64_t dim, const float* x, const float* weight, float epsilon,
                        float* y, float* inverse_rms) override {
    CpuDevice::rms_norm_forward(num_rows, dim, x, weight, epsilon, y, inverse_rms);
    y[num_rows * dim - 1] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(y[num_rows * dim - 1]) ^ 1u);
  }
};

TEST(OperatorCheck, SeesOneBitAndNamesTheOperatorAndItsShape) {
  NearlyRight device;
  const auto count = static_cast<std::uint32_t>(operator_families().size());
  const OperatorReport report = check_operators(device, count, CellSize::kSmall, kQuiet);
  EXPECT_EQ(report.num_different_cells, 1u);
  ASSERT_EQ(report.differences.size(), 1u);
  EXPECT_NE(report.differences[0].find("rms_norm rows="), std::string::npos) << report.differences[0];
  EXPECT_NE(report.differences[0].find("1 of"), std::string::npos) << report.differences[0];
}

TEST(OperatorCheck, FindsNothingWrongWithTheCpu) {
  const auto count = static_cast<std::uint32_t>(2 * operator_families().size());
  const OperatorReport report = check_operators(numerics::cpu_device(), count, CellSize::kSmall, kQuiet);
  EXPECT_EQ(report.num_different_cells, 0u);
  EXPECT_GT(report.num_values, 10000u);
}

TEST(TrainingCheck, SeesADifferenceOfOneBit) {
  NearlyRight device;
  const TrainingReport wrong = check_training(device, kSmallTraining, 1, kQuiet);
  ASSERT_EQ(wrong.points.size(), 1u);
  EXPECT_NE(wrong.points[0].computed.hex(), wrong.points[0].expected);
  CpuDevice right;
  const TrainingReport same = check_training(right, kSmallTraining, 1, kQuiet);
  EXPECT_EQ(same.points[0].computed.hex(), same.points[0].expected);
}

TEST(TrainingCheck, TheSmallModelLearns) {
  Training training(numerics::cpu_device(), kSmallTraining);
  const double first = training.step().loss;
  double last = first;
  for (int step = 0; step < 150; ++step) last = training.step().loss;
  EXPECT_LT(last, first - 0.3);
}

/// Cannot record, and counts how often it was asked to.
class CountsRecordings final : public CpuDevice {
 public:
  std::vector<std::function<void()>> record(const std::function<void()>&) override {
    ++num_wishes;
    return {};
  }
  int num_wishes = 0;
};

TEST(Training, RecordsNothingAndHasTheSameBitsWherePassesAreByOperator) {
  TrainingShape shape = kSmallTraining;
  shape.grains = 2;
  shape.sequences_per_grain = 2;
  CountsRecordings device;
  Training recorded(device, shape), called(device, shape, Passes::kByOperator);
  for (int step = 0; step < 2; ++step) called.step();
  EXPECT_EQ(device.num_wishes, 0);
  for (int step = 0; step < 2; ++step) recorded.step();
  EXPECT_EQ(device.num_wishes, 2);
  EXPECT_EQ(recorded.digest().hex(), called.digest().hex());
}

TEST(Training, APassAloneChangesNothing) {
  Training with_passes(numerics::cpu_device(), kSmallTraining), without(numerics::cpu_device(), kSmallTraining);
  with_passes.pass();
  with_passes.step();
  with_passes.pass();
  without.step();
  EXPECT_EQ(with_passes.digest().hex(), without.digest().hex());
}

TEST(FunctionSweep, GivesThePublishedDigestsOfTheSample) {
  const MakeDevice cpu = [] {
    return std::shared_ptr<numerics::Device>(&numerics::cpu_device(), [](numerics::Device*) {});
  };
  std::set<std::string> said, expected;
  const SayProgress say = [&](const std::string& text) { said.insert(text); };
  for (const numerics::FunctionCheck& check : sweep_functions(cpu, numerics::FunctionInputs::kSample, 2, say)) {
    EXPECT_TRUE(check.same()) << check.function.name;
    expected.insert("function: " + line_of(check, "sample"));
  }
  EXPECT_EQ(said, expected);
}

TEST(Checks, SayWhatTheyFoundAsSoonAsItIsKnown) {
  NearlyRight device;
  std::string last;
  const SayProgress say = [&](const std::string& text) { last = text; };
  const OperatorReport operators =
      check_operators(device, static_cast<std::uint32_t>(operator_families().size()), CellSize::kSmall, say);
  EXPECT_EQ(last, "operators: " + line_of(operators));
  EXPECT_NE(last.find(", 1 cells differ"), std::string::npos) << last;
  const TrainingReport training = check_training(device, kSmallTraining, 1, say);
  EXPECT_EQ(last, "training: behind step 1: " + training.points[0].computed.hex() + " DIFFERENT");
}

TEST(Report, CountsEveryKindOfMismatchAndIsJson) {
  Report report;
  report.device = "cpu: \"quoted\"";
  report.operators = OperatorReport{14, 10, 100, 2, {"cell 3: add"}, {}};
  report.training = TrainingReport{10, 20, 1.0, 9.0, 8.0, {{20, Digest{}, "other"}}};
  EXPECT_EQ(report.num_mismatches(), 3u);
  const nlohmann::json json = nlohmann::json::parse(to_json(report));
  EXPECT_EQ(json["mismatches"], 3);
  EXPECT_EQ(json["operators"]["cells"], 10);
  EXPECT_EQ(json["training"]["digests"][0]["same"], false);
  EXPECT_NE(to_text(report).find("DIFFERENT"), std::string::npos);
}

TEST(PublishedTraining, IsWhatTheContractPrints) {
  std::ifstream file(std::string(REPRISE_SOURCE_DIR) + "/docs/numeric_contract.md");
  std::stringstream text;
  text << file.rdbuf();
  ASSERT_FALSE(published_training().empty());
  for (const PublishedTraining& point : published_training()) {
    EXPECT_EQ(point.digest.size(), 64u);
    EXPECT_NE(text.str().find(std::string(point.digest)), std::string::npos) << point.steps << " steps";
  }
}

}  // namespace
}  // namespace reprise::conformance
