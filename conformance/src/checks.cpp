#include "checks.h"

#include <fmt/format.h>

#include <chrono>
#include <set>

#include "reprise/numerics/target.h"

namespace reprise::conformance {
namespace {

constexpr std::size_t kDifferencesShown = 10;
std::vector<float> on_cpu(const Cell& cell, bool portable) {
  const numerics::Target before = numerics::active_target();
  if (portable) numerics::set_active_target(numerics::Target::kPortable);
  std::vector<float> values = cell.run(numerics::cpu_device());
  numerics::set_active_target(before);
  return values;
}

/// Returns what differs in words, or nothing.
std::string difference(const Cell& cell, std::uint32_t index, std::span<const float> expected,
                       std::span<const float> found) {
  std::size_t count = 0, first = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (comparable_bits(expected[i]) == comparable_bits(found[i])) continue;
    if (count++ == 0) first = i;
  }
  if (count == 0) return {};
  return fmt::format("cell {}: {}: {} of {} values differ, the first at {}: {:a} instead of {:a}", index,
                     cell.description, count, expected.size(), first, found[first], expected[first]);
}

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

OperatorReport check_operators(numerics::Device& device, std::uint32_t num_cells, CellSize size,
                               const SayProgress& say) {
  OperatorReport report;
  std::set<std::string_view> names;
  for (const OperatorFamily& family : operator_families()) names.insert(family.name);
  report.num_operators = static_cast<std::uint32_t>(names.size());
  report.num_cells = num_cells;
  const bool portable = &device == &numerics::cpu_device();
  Sha256 hash;
  for (std::uint32_t index = 0; index < num_cells; ++index) {
    const Cell cell = make_cell(index, size);
    const std::vector<float> expected = on_cpu(cell, portable);
    const std::string problem = difference(cell, index, expected, cell.run(device));
    if (!problem.empty()) {
      ++report.num_different_cells;
      if (report.differences.size() < kDifferencesShown) report.differences.push_back(problem);
    }
    report.num_values += expected.size();
    std::vector<std::uint32_t> bits;
    for (const float x : expected) bits.push_back(comparable_bits(x));
    hash.update(std::as_bytes(std::span<const std::uint32_t>(bits)));
    if ((index + 1) % 50 == 0) say(fmt::format("operators: {} of {} cells", index + 1, num_cells));
  }
  report.digest = hash.finish();
  say("operators: " + line_of(report));
  return report;
}

TrainingReport check_training(numerics::Device& device, const TrainingShape& shape, std::int64_t steps,
                              const SayProgress& say) {
  TrainingReport report;
  Training training(device, shape);
  report.num_parameters = training.num_parameters();
  report.steps = steps;
  const bool published = shape.hidden == kFullTraining.hidden;
  const auto add = [&](const TrainingPoint& point) {
    report.points.push_back(point);
    say("training: " + line_of(point));
  };
  const Stopwatch watch;
  for (std::int64_t step = 1; step <= steps; ++step) {
    const StepValues values = training.step();
    if (step == 1) report.first_loss = values.loss;
    report.last_loss = values.loss;
    for (const PublishedTraining& point : published_training()) {
      if (published && point.steps == step) {
        add({step, training.digest(), std::string(point.digest)});
      }
    }
    if (step % 20 == 0) say(fmt::format("training: step {} of {}, loss {:.4f}", step, steps, values.loss));
  }
  report.seconds = watch.seconds();
  if (!published) {
    Training on_cpu(numerics::cpu_device(), shape);
    for (std::int64_t step = 1; step <= steps; ++step) on_cpu.step();
    add({steps, training.digest(), on_cpu.digest().hex()});
  }
  return report;
}

}  // namespace reprise::conformance
