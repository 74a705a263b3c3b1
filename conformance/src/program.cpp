#include "program.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <thread>

#include "checks.h"
#include "function_sweep.h"
#include "reprise/core/error.h"
#include "reprise/core/report_error.h"
#include "reprise/numerics/target.h"

namespace reprise::conformance {
namespace {

struct Wishes {
  std::string device;
  std::uint32_t cells = 600;
  std::int64_t steps = 1000;
  std::string functions = "all";
  bool small = false;
  bool json = false;
};

Report run_checks(const Wishes& wishes, const FindDevice& find_device) {
  const SayProgress say = [](const std::string& text) { fmt::print(stderr, "{}\n", text); };
  const std::shared_ptr<numerics::Device> device = find_device(wishes.device);
  Report report;
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
                                       static_cast<int>(std::thread::hardware_concurrency()));
  }
  if (wishes.steps > 0) {
    report.training = check_training(*device, wishes.small ? kSmallTraining : kFullTraining, wishes.steps, say);
  }
  return report;
}

}  // namespace

int run_program(int argc, char** argv, const std::string& default_device, const FindDevice& find_device) {
  CLI::App app(
      "Proves that a device gives the bits of the numeric contract: every operator against the CPU over random\n"
      "shapes, every input of the exact functions against their published digests, and whole training steps of a\n"
      "model of 10 million parameters against theirs. Prints a report; the exit code is 0 when all is the same, 1\n"
      "when something differs, 5 when the device is missing.");
  Wishes wishes;
  wishes.device = default_device;
  app.add_option("--device", wishes.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--cells", wishes.cells, "Calls of operators to compare; 0: none")->capture_default_str();
  app.add_option("--functions", wishes.functions, "Inputs of the exact functions: all 2^32, the published sample, none")
      ->check(CLI::IsMember({"all", "sample", "none"}))
      ->capture_default_str();
  app.add_option("--steps", wishes.steps, "Training steps; digests are published for 20 and 1000")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_flag("--small", wishes.small, "Small shapes and a small model, compared with the CPU: for emulated devices");
  app.add_flag("--json", wishes.json, "Print the report as JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_code(ErrorKind::kUsage);
  }
  try {
    const Report report = run_checks(wishes, find_device);
    std::fputs((wishes.json ? to_json(report) : to_text(report)).c_str(), stdout);
    return report.num_mismatches() == 0 ? 0 : 1;
  } catch (...) {
    return report_error(caught_error());
  }
}

}  // namespace reprise::conformance
