// reprise data recount

#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "data_verbs.h"
#include "json_text.h"
#include "reprise/core/error.h"
#include "reprise/data_pipeline/recount.h"

namespace reprise::app {
namespace {

struct RecountFlags {
  std::string run;
  std::string config;
  bool json = false;
};

void print_json(const data::Recount& result) {
  nlohmann::ordered_json json{{"numbers", result.num_numbers}, {"differences", nlohmann::ordered_json::array()}};
  for (const data::RecountDifference& one : result.differences) {
    json["differences"].push_back({{"number", one.number}, {"published", one.published}, {"counted", one.counted}});
  }
  json["not_counted"] = result.not_counted;
  fmt::print("{}\n", json_text(json));
}

void print_text(const data::Recount& result) {
  for (const data::RecountDifference& one : result.differences) {
    fmt::print("DIFFERS {}: published {}, counted {}\n", one.number, one.published, one.counted);
  }
  fmt::print("{} numbers counted again, {} differ\n", result.num_numbers, result.differences.size());
  for (const std::string& what : result.not_counted) fmt::print("not counted: {}\n", what);
}

int count_again(const RecountFlags& flags) {
  const std::filesystem::path run = flags.run;
  const configs::Recipe recipe = recipe_of(run, flags.config);
  const std::filesystem::path path = run / "tokenizer" / "tokenizer.json";
  std::optional<data::Tokenizer> tokenizer;
  if (std::filesystem::exists(path)) tokenizer = data::Tokenizer::load(path);
  const data::Recount result = data::recount(run, recipe.data(), tokenizer.has_value() ? &*tokenizer : nullptr);
  flags.json ? print_json(result) : print_text(result);
  return result.differences.empty() ? 0 : exit_code(ErrorKind::kCorrupt);
}

}  // namespace

void add_recount_verb(CLI::App& data, Context& context) {
  const auto flags = std::make_shared<RecountFlags>();
  CLI::App* verb =
      data.add_subcommand("recount", "Count every published number again from the kept and dropped documents");
  verb->add_option("RUN", flags->run, "Run folder")->required()->check(CLI::ExistingDirectory);
  add_config_option(*verb, flags->config);
  verb->add_flag("--json", flags->json, "Print as JSON");
  verb->footer(
      "Measures the rule of every dropped document on its text, too. Exit code 0: all agree; 4: one differs.\n\n"
      "Example:\n  reprise data recount runs/tiny");
  verb->callback([flags, &context] { context.status = count_again(*flags); });
}

}  // namespace reprise::app
