#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "commands.h"
#include "reprise/audit/manifest.h"
#include "reprise/numerics/target.h"

namespace reprise::app {
namespace {

nlohmann::ordered_json facts() {
  nlohmann::ordered_json json;
  for (const auto& [name, value] : audit::code_identity()) json[name] = value;
  json["cores"] = std::thread::hardware_concurrency();
  nlohmann::ordered_json targets = nlohmann::ordered_json::array();
  for (const numerics::Target target : numerics::available_targets()) targets.push_back(numerics::to_string(target));
  json["kernel_targets"] = targets;
  return json;
}

}  // namespace

void add_doctor_command(CLI::App& app, Context&) {
  const auto as_json = std::make_shared<bool>(false);
  CLI::App* verb = app.add_subcommand("doctor", "Show what this build and this machine are: libraries, processor, kernel targets");
  verb->add_flag("--json", *as_json, "Print as JSON");
  verb->footer("Example:\n  reprise doctor --json");
  verb->callback([as_json] {
    const nlohmann::ordered_json json = facts();
    if (*as_json) {
      fmt::print("{}\n", json.dump(1));
      return;
    }
    for (const auto& [name, value] : json.items()) {
      fmt::print("{:<16} {}\n", name, value.is_string() ? value.get<std::string>() : value.dump());
    }
  });
}

}  // namespace reprise::app
