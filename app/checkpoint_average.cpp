// reprise checkpoint average, and what show and verify say of an average.

#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint_verbs.h"
#include "json_text.h"
#include "reprise/checkpoints/average.h"
#include "reprise/checkpoints/output_place.h"
#include "reprise/core/error.h"
#include "reprise/core/printable.h"

namespace reprise::app {
namespace {

using checkpoints::AverageRecipe;
using checkpoints::AverageSource;
using checkpoints::LoadedAverage;
using nlohmann::ordered_json;

struct AverageFlags {
  std::vector<std::string> sources;
  std::vector<double> weights;
  std::optional<double> ema;
  std::filesystem::path out;
  bool json = false;
};

/// RUN@STEP and files as they stand; a run stands for all its scheduled checkpoints but the pruned ones, oldest first.
std::vector<std::string> files_of(const std::vector<std::string>& names) {
  std::vector<std::string> files;
  for (const std::string& name : names) {
    if (!std::filesystem::is_directory(name)) {
      files.push_back(checkpoint_file(name).string());
      continue;
    }
    for (const checkpoints::CheckpointInfo& info :
         checkpoints::stored_schedule(checkpoint_folder(name), ledger_of(name)))
      files.push_back(info.path.string());
  }
  return files;
}

AverageRecipe average_of(const AverageFlags& flags) {
  const std::vector<std::string> files = files_of(flags.sources);
  std::vector<double> weights(files.size(), 1.0);
  AverageRecipe recipe{"uniform", {}};
  if (flags.ema) {
    checkpoints::require_oldest_first(files);
    recipe.kind = "ema";
    weights = checkpoints::ema_weights(files.size(), *flags.ema);
  } else if (!flags.weights.empty()) {
    REPRISE_REQUIRE(flags.weights.size() == files.size(), ErrorKind::kUsage,
                    fmt::format("{} weights for {} checkpoints", flags.weights.size(), files.size()),
                    "give one weight for each, in the order of the checkpoints");
    recipe.kind = "weighted";
    weights = flags.weights;
  }
  for (std::size_t i = 0; i < files.size(); ++i) recipe.sources.push_back({{}, 0, weights[i], files[i]});
  return recipe;
}

ordered_json to_json(const LoadedAverage& average) {
  ordered_json sources = ordered_json::array();
  for (const AverageSource& source : average.recipe.sources) {
    sources.push_back(
        {{"step", source.step}, {"weight", source.weight}, {"root", source.root.hex()}, {"place", source.place}});
  }
  return {{"kind", average.recipe.kind},
          {"root", average.model.info.root.hex()},
          {"recipe_hash", average.model.info.header.recipe_hash.hex()},
          {"sources", sources}};
}

void print_text(const LoadedAverage& average) {
  fmt::print("{} average of {} checkpoints\nroot {}\n\n{:>8}  {:>12}  {:<64}  {}\n", printable(average.recipe.kind),
             average.recipe.sources.size(), average.model.info.root.hex(), "step", "weight", "root", "from");
  for (const AverageSource& source : average.recipe.sources) {
    fmt::print("{:>8}  {:>12.6g}  {}  {}\n", source.step, source.weight, source.root.hex(), printable(source.place));
  }
}

void average(const AverageFlags& flags) {
  checkpoints::require_place_of_average(flags.out);
  const LoadedAverage made = checkpoints::average_checkpoints(average_of(flags));
  checkpoints::write_average(flags.out, made);
  if (flags.json) {
    fmt::print("{}\n", json_text(to_json(made)));
  } else {
    print_text(made);
  }
}

}  // namespace

void show_average(const std::filesystem::path& file, bool json) {
  const LoadedAverage loaded = checkpoints::read_average(file);
  if (json) {
    fmt::print("{}\n", json_text(to_json(loaded)));
  } else {
    print_text(loaded);
  }
}

void verify_file(const std::filesystem::path& file, bool json, Context& context) {
  ordered_json result = {{"path", file.string()}};
  std::string wrong;
  if (!checkpoints::is_average(file)) {
    const checkpoints::CheckpointInfo info = checkpoints::read_checkpoint(file).info;
    result["root"] = info.root.hex();
    result["verdict"] = "every value matches the root";
    wrong = wrong_recipe_text(info);
  } else {
    const LoadedAverage stored = checkpoints::read_average(file);
    const checkpoints::Recomputation again = checkpoints::recompute(stored);
    result["root"] = stored.model.info.root.hex();
    result["recomputed"] = again.missing.empty();
    result["verdict"] = again.missing.empty() ? fmt::format("computed again from its {} sources: the same bits",
                                                            stored.recipe.sources.size())
                                              : "every value matches the root; not computed again: " + again.missing;
    wrong = wrong_recipe_text(stored.model.info);
    if (again.missing.empty() && !again.same) wrong = "its sources have another average";
  }
  if (!wrong.empty()) {
    result["verdict"] = "WRONG: " + wrong;
    context.status = exit_code(ErrorKind::kCorrupt);
  }
  if (json) {
    fmt::print("{}\n", json_text(result));
  } else {
    fmt::print("{}\nroot {}\n", printable(result["verdict"].get<std::string>(), "\n\t"),
               result["root"].get<std::string>());
  }
}

void add_average_verb(CLI::App& checkpoint) {
  const auto flags = std::make_shared<AverageFlags>();
  CLI::App* verb = checkpoint.add_subcommand("average", "Average checkpoints: uniform, weighted, or exponential");
  verb->add_option("CHECKPOINT", flags->sources, "RUN@STEP or a file, in this order; RUN takes all of its checkpoints")
      ->required();
  verb->add_option("--out", flags->out, "File to write")->required();
  CLI::Option* weights = verb->add_option("--weights", flags->weights, "One weight for each checkpoint");
  verb->add_option("--ema", flags->ema, "Exponential average with this decay; needs the oldest first")
      ->excludes(weights);
  verb->add_flag("--json", flags->json, "Print what was made as JSON");
  verb->footer(
      "Sums in binary64 in the order given, divided by the sum of the weights, rounded once. The file records roots, "
      "steps\n"
      "and weights, and its root commits to them. `reprise eval RUN --checkpoint FILE` scores it, `checkpoint verify "
      "FILE`\n"
      "computes it again.\n\n"
      "Examples:\n  reprise checkpoint average runs/tiny@1176 runs/tiny@1200 --out soup.h5\n"
      "  reprise checkpoint average runs/tiny --ema 0.9 --out ema.h5");
  verb->callback([flags] { average(*flags); });
}

}  // namespace reprise::app
