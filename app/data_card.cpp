// reprise data card

#include "reprise/data_pipeline/data_card.h"

#include <fmt/core.h>

#include <memory>

#include "data_verbs.h"
#include "reprise/core/files.h"

namespace reprise::app {

void add_card_verb(CLI::App& data) {
  struct CardFlags {
    std::string run;
    std::string config;
    std::string out;
  };
  const auto flags = std::make_shared<CardFlags>();
  CLI::App* verb = data.add_subcommand("card", "Data card of a run's documents: Croissant 1.0, JSON-LD");
  verb->add_option("RUN", flags->run, "Run folder")->required()->check(CLI::ExistingDirectory);
  add_config_option(*verb, flags->config);
  verb->add_option("--out", flags->out, "File to write (default: stdout)");
  verb->footer("Example:\n  reprise data card runs/tiny --out croissant.json");
  verb->callback([flags] {
    const std::string card = data::data_card_json(flags->run, recipe_of(flags->run, flags->config));
    if (flags->out.empty()) {
      fmt::print("{}", card);
    } else {
      write_file_atomically(flags->out, card);
    }
  });
}

}  // namespace reprise::app
