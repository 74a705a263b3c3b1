#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "commands.h"
#include "json_text.h"
#include "reprise/audit/manifest.h"
#include "reprise/core/error.h"
#include "reprise/dist/nccl.h"
#include "reprise/numerics/device.h"
#include "reprise/numerics/function_digests.h"
#include "reprise/numerics/target.h"

namespace reprise::app {
namespace {

struct DoctorFlags {
  bool as_json = false;
  bool functions = false;
  bool all_inputs = false;
};

/// What `runtime.device: "cuda:INDEX"` would find, or why it would not.
std::string describe_gpu(int index) {
  try {
    return numerics::make_cuda_device(index)->description();
  } catch (const Error& error) {
    return std::string("cannot be used: ") + error.what();
  }
}

nlohmann::ordered_json gpus() {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (int index = 0; index < numerics::num_cuda_devices(); ++index) list.push_back(describe_gpu(index));
  return list;
}

nlohmann::ordered_json facts() {
  nlohmann::ordered_json json;
  for (const auto& [name, value] : audit::code_identity()) json[name] = value;
  json["cores"] = std::thread::hardware_concurrency();
  nlohmann::ordered_json targets = nlohmann::ordered_json::array();
  for (const numerics::Target target : numerics::available_targets()) targets.push_back(numerics::to_string(target));
  json["kernel_targets"] = targets;
  json["gpus"] = gpus();
  json["nccl"] = dist::describe_nccl();
  return json;
}

void show_facts(bool as_json) {
  const nlohmann::ordered_json json = facts();
  if (as_json) {
    fmt::print("{}\n", json_text(json));
    return;
  }
  for (const auto& [name, value] : json.items()) {
    fmt::print("{:<16} {}\n", name, value.is_string() ? value.get<std::string>() : value.dump());
  }
}

/// Digests of the exact functions as this machine computes them, beside the published ones.
nlohmann::ordered_json function_report(numerics::FunctionInputs inputs) {
  nlohmann::ordered_json json;
  json["target"] = numerics::to_string(numerics::active_target());
  json["inputs"] = inputs == numerics::FunctionInputs::kAll ? "all" : "sample";
  json["num_inputs"] = numerics::num_function_inputs(inputs);
  bool all_same = true;
  for (const numerics::FunctionCheck& check : numerics::check_functions(inputs)) {
    json["functions"].push_back({{"name", check.function.name},
                                 {"largest_error_ulp", check.function.largest_error_ulp},
                                 {"digest", check.computed.hex()},
                                 {"published", check.published},
                                 {"same", check.same()}});
    all_same = all_same && check.same();
  }
  json["same"] = all_same;
  return json;
}

void print_function_report(const nlohmann::ordered_json& json) {
  fmt::print("{} inputs ({}) of each function, kernels {}\n", json["num_inputs"].get<std::uint64_t>(),
             json["inputs"].get<std::string>(), json["target"].get<std::string>());
  for (const auto& function : json["functions"]) {
    const bool same = function["same"].get<bool>();
    fmt::print("{:<8} {:.4f} ulp  {}  {}\n", function["name"].get<std::string>(),
               function["largest_error_ulp"].get<double>(), function["digest"].get<std::string>(),
               same ? "ok" : "DIFFERENT");
    if (!same) fmt::print("{:<20} {}  published\n", "", function["published"].get<std::string>());
  }
}

}  // namespace

void add_doctor_command(CLI::App& app, Context& context) {
  const auto flags = std::make_shared<DoctorFlags>();
  CLI::App* verb = app.add_subcommand(
      "doctor", "Show what this build and this machine are: libraries, processor, kernel targets; check the functions");
  verb->add_flag("--json", flags->as_json, "Print as JSON");
  CLI::Option* functions = verb->add_flag("--functions", flags->functions,
                                          "Compute a sample of each exact function again and compare its digest with "
                                          "the published one; exit code 1 if one differs");
  verb->add_flag("--full", flags->all_inputs, "With --functions: all 2^32 inputs (minutes)")->needs(functions);
  verb->footer("Examples:\n  reprise doctor --json\n  reprise doctor --functions");
  verb->callback([flags, &context] {
    if (!flags->functions) return show_facts(flags->as_json);
    const auto inputs = flags->all_inputs ? numerics::FunctionInputs::kAll : numerics::FunctionInputs::kSample;
    const nlohmann::ordered_json report = function_report(inputs);
    if (flags->as_json) {
      fmt::print("{}\n", json_text(report));
    } else {
      print_function_report(report);
    }
    if (!report["same"].get<bool>()) context.status = 1;
  });
}

}  // namespace reprise::app
