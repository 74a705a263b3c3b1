#include "native_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "reprise/core/report_error.h"

namespace reprise::conformance {
namespace {

// Rounding drives the two profiles apart: far behind the start neither loss says anything about the other. Seen with
// LibTorch's CPU over 20 steps of the full decoder: 7e-4 in bfloat16, 2e-5 in float32; of the small one: 3e-3, 1e-7;
// and over 3 steps of the full models behind it: 1.3e-3, 2.4e-6. First gradients of all: at most 3e-2 and 3e-6.
constexpr std::int64_t kNativeStepsCompared = 20;

constexpr std::int64_t kAllSteps = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kFewSteps = 3;

struct NativeType {
  const char* name;
  numerics::OperandType type;
  double tolerance;           // of a loss's difference from the exact profile's
  double gradient_tolerance;  // of the distance of a tensor's first gradient
};
constexpr NativeType kNativeTypes[] = {{"float32", numerics::OperandType::kFloat32, 1e-3, 1e-4},
                                       {"bfloat16", numerics::OperandType::kBfloat16, 5e-3, 0.1}};

/// NaN if one of the differences is.
double largest_difference(std::span<const double> losses, std::span<const double> expected) {
  double largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(losses[i] - expected[i]);
    if (std::isnan(difference) || difference > largest) largest = difference;
  }
  return largest;
}

/// Of two gradients by tensor: the largest distance, over the length of the second. NaN if one is.
double largest_distance(const std::vector<std::vector<float>>& gradients,
                        const std::vector<std::vector<float>>& expected) {
  std::vector<double> distances;
  for (std::size_t tensor = 0; tensor < expected.size(); ++tensor) {
    double difference = 0, length = 0;
    for (std::size_t i = 0; i < expected[tensor].size(); ++i) {
      const auto value = static_cast<double>(expected[tensor][i]);
      difference += std::pow(static_cast<double>(gradients[tensor][i]) - value, 2);
      length += value * value;
    }
    distances.push_back(std::sqrt(difference / length));
  }
  return largest_difference(distances, std::vector<double>(distances.size()));
}

std::vector<double> losses_of(Training& training, std::int64_t steps) {
  std::vector<double> losses;
  for (std::int64_t step = 0; step < steps; ++step) losses.push_back(training.step().loss);
  return losses;
}

/// What the exact profile finds.
struct Expected {
  std::vector<std::vector<float>> gradient;  // the first one, by tensor
  std::vector<double> losses;
};

Expected train_exactly(numerics::Device& device, const TrainingShape& shape, std::int64_t steps) {
  Training training(device, shape);
  Expected expected;
  expected.gradient = training.gradient_of_pass();
  expected.losses = losses_of(training, steps);
  return expected;
}

/// Fills in the digests, and of the second time, which must be as the first, how near it is.
void train_twice(const std::function<NativeDevice()>& make, const TrainingShape& shape, const NativeType& type,
                 const Expected& expected, NativeRuns& runs) {
  for (Digest* const digest : {&runs.first, &runs.again}) {
    const NativeDevice device = make();
    Training training(device, shape, type.type);
    runs.gradient_distance = largest_distance(training.gradient_of_pass(), expected.gradient);
    runs.largest_difference = largest_difference(losses_of(training, runs.steps), expected.losses);
    *digest = training.digest();  // of all losses too
  }
  runs.tolerance = type.tolerance;
  runs.gradient_tolerance = type.gradient_tolerance;
}

}  // namespace

std::span<const NativeModel> native_models(bool small) {
  static constexpr NativeModel kFull[] = {{"decoder", kFullTraining, kAllSteps},
                                          {"wide rows", {512, 1536, 1024, 1, 12, 2, 272}, kFewSteps},
                                          {"documents", {512, 256, 512, 2, 4, 2, 272, 1, true}, kFewSteps}};
  // Wide rows mean millions of weights, which take time on an emulated device: one step.
  static constexpr NativeModel kSmall[] = {{"decoder", kSmallTraining, kAllSteps},
                                           {"wide rows", {67, 1040, 48, 1, 13, 1, 24}, 1},
                                           {"documents", {67, 32, 48, 2, 2, 3, 19, 1, true}, kFewSteps}};
  return small ? std::span<const NativeModel>(kSmall) : std::span<const NativeModel>(kFull);
}

NativeReport check_native(const std::function<NativeDevice()>& make, numerics::Device& exact,
                          std::span<const NativeModel> models, std::int64_t steps, const SayProgress& say) {
  NativeReport report;
  const auto make_device = [&] {
    NativeDevice device = make();
    report.device = device.description;
    return device;
  };
  for (const NativeModel& model : models) {
    std::optional<Expected> expected;
    for (const NativeType& type : kNativeTypes) {
      NativeRuns runs;
      runs.model = model.name;
      runs.type = type.name;
      runs.steps = std::min(steps, model.most_steps);
      runs.steps_compared = std::min(runs.steps, kNativeStepsCompared);
      try {
        if (!expected) expected = train_exactly(exact, model.shape, runs.steps_compared);
        train_twice(make_device, model.shape, type, *expected, runs);
      } catch (...) {  // what the others find is not lost
        runs.failed = caught_error().what();
      }
      say("native: " + line_of(runs));
      report.runs.push_back(std::move(runs));
    }
  }
  return report;
}

}  // namespace reprise::conformance
