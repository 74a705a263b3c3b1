#include <fmt/core.h>

#include "data_verbs.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"

namespace reprise::app {

void add_config_option(CLI::App& verb, std::string& config) {
  verb.add_option("--config", config, "Config that the data was built from (default: RUN/recipe.pbtxt)");
}

configs::Recipe recipe_of(const std::filesystem::path& run, const std::string& config) {
  if (!config.empty()) return configs::load_config(config, {}).recipe();
  const std::filesystem::path path = run / "recipe.pbtxt";
  REPRISE_REQUIRE(std::filesystem::exists(path), ErrorKind::kUsage,
                  fmt::format("{} has no recipe.pbtxt: nothing was trained in it yet", run.string()),
                  "name the config that the data was built from: --config CONFIG");
  return configs::load_config(path, {}).recipe();
}

}  // namespace reprise::app
