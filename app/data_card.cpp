// reprise data card

#include "reprise/data_pipeline/data_card.h"

#include <fmt/core.h>

#include <memory>

#include "data_verbs.h"
#include "reprise/configs/config.h"
#include "reprise/core/files.h"

namespace reprise::app {

void add_card_verb(CLI::App& data) {
  struct Flags {
    std::string run;
    std::string out;
  };
  const auto flags = std::make_shared<Flags>();
  CLI::App* verb = data.add_subcommand("card", "Data card of a run's documents: Croissant 1.0, JSON-LD");
  verb->add_option("RUN", flags->run, "Run folder")->required()->check(CLI::ExistingDirectory);
  verb->add_option("--out", flags->out, "File to write (default: stdout)");
  verb->footer("Example:\n  reprise data card runs/tiny --out croissant.json");
  verb->callback([flags] {
    const std::filesystem::path run = flags->run;
    const configs::RunConfig config = configs::load_config(run / "recipe.pbtxt", {});
    const std::string card = data::data_card_json(run, config.recipe());
    if (flags->out.empty()) {
      fmt::print("{}", card);
    } else {
      write_file_atomically(flags->out, card);
    }
  });
}

}  // namespace reprise::app
