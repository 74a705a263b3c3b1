#include "program.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <thread>

#include "checks.h"
#include "function_sweep.h"
#include "native_check.h"
#include "reprise/core/error.h"
#include "reprise/core/print_note.h"
#include "reprise/core/report_error.h"
#include "reprise/numerics/target.h"

namespace reprise::conformance {
namespace {

struct Wishes {
  std::string device;
  std::uint32_t cells = 600;
  std::int64_t steps = 1000;
  std::optional<std::int64_t> native_steps;
  std::string functions = "all";
  bool small = false;
  bool json = false;
};

constexpr std::int64_t kUsualNativeSteps = 20;

/// Whether the native check can run: the report says why not, or nothing yet. Asked for, it must. Before all other
/// checks: LibTorch's CUDA part comes before any backward pass.
std::optional<NativeReport> begin_native(const Wishes& wishes, const FindNativeDevice& find_native_device) {
  if (wishes.native_steps.value_or(kUsualNativeSteps) == 0) return {};
  NativeReport report;
  try {
    report.device = find_native_device(wishes.device).description;
  } catch (const Error& error) {
    if (wishes.native_steps) throw;
    report.not_run = error.what();
  }
  return report;
}

Report run_checks(const Wishes& wishes, const FindDevice& find_device, const FindNativeDevice& find_native_device) {
  const SayProgress say = [](const std::string& text) { print_note("{}\n", text); };
  const std::shared_ptr<numerics::Device> device = find_device(wishes.device);
  Report report;
  report.native = begin_native(wishes, find_native_device);
  report.device = fmt::format("{}: {}", device->kind(), device->description());
  report.cpu = std::string(numerics::to_string(numerics::active_target()));
  if (wishes.cells > 0) {
    report.operators = check_operators(*device, wishes.cells, wishes.small ? CellSize::kSmall : CellSize::kFull, say);
  }
  if (wishes.functions != "none") {
    say("functions: " + wishes.functions + " inputs");
    report.function_inputs = wishes.functions;
    const auto inputs = wishes.functions == "all" ? numerics::FunctionInputs::kAll : numerics::FunctionInputs::kSample;
    report.functions = sweep_functions([&] { return find_device(wishes.device); }, inputs,
                                       static_cast<int>(std::thread::hardware_concurrency()), say);
  }
  const TrainingShape& shape = wishes.small ? kSmallTraining : kFullTraining;
  if (wishes.steps > 0) report.training = check_training(*device, shape, wishes.steps, say);
  if (!report.native || !report.native->not_run.empty()) return report;
  // The losses that the native ones must be near: of small models the CPU has them sooner than a GPU that is emulated.
  numerics::Device& exact = wishes.small ? numerics::cpu_device() : *device;
  report.native = check_native([&] { return find_native_device(wishes.device); }, exact, native_models(wishes.small),
                               wishes.native_steps.value_or(kUsualNativeSteps), say);
  return report;
}

}  // namespace

int run_program(int argc, char** argv, const std::string& default_device, const FindDevice& find_device,
                const FindNativeDevice& find_native_device) {
  CLI::App app(
      "Proves that a device gives the bits of the numeric contract: every operator against the CPU over random\n"
      "shapes, every input of the exact functions against their published digests, and whole training steps of a\n"
      "model of 10 million parameters against theirs. And that the native profile gives the same bits twice there,\n"
      "near the exact profile's losses. Prints a report; the exit code is 0 when all is the same, 1 when something\n"
      "differs, 5 when the device is missing.");
  Wishes wishes;
  wishes.device = default_device;
  app.add_option("--device", wishes.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--cells", wishes.cells, "Calls of operators to compare; 0: none")->capture_default_str();
  app.add_option("--functions", wishes.functions, "Inputs of the exact functions: all 2^32, the published sample, none")
      ->check(CLI::IsMember({"all", "sample", "none"}))
      ->capture_default_str();
  app.add_option("--steps", wishes.steps, "Training steps; digests are published for 1, 20 and 1000")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--native-steps", wishes.native_steps,
                 "Steps of the native profile, taken twice; 0: none. Not given: 20 on a GPU, where LibTorch's CUDA\n"
                 "part can be loaded")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--small", wishes.small, "Small shapes and a small model, compared with the CPU: for emulated devices");
  app.add_flag("--json", wishes.json, "Print the report as JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_code(ErrorKind::kUsage);
  }
  try {
    const Report report = run_checks(wishes, find_device, find_native_device);
    std::fputs((wishes.json ? to_json(report) : to_text(report)).c_str(), stdout);
    return report.num_mismatches() == 0 ? 0 : 1;
  } catch (...) {
    return report_error(caught_error());
  }
}

}  // namespace reprise::conformance
