#pragma once
// Verbs of `reprise data` that have a file of their own.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "commands.h"
#include "reprise/configs/config.pb.h"

namespace reprise::app {

/// The option --config of verbs that need the recipe of a run.
void add_config_option(CLI::App& verb, std::string& config);
/// The recipe in `config`, or that of the run when `config` is empty.
configs::Recipe recipe_of(const std::filesystem::path& run, const std::string& config);

void add_assemble_verb(CLI::App& data);
void add_card_verb(CLI::App& data);
void add_dedup_verb(CLI::App& data);
void add_decontaminate_verb(CLI::App& data);
void add_reading_order_verbs(CLI::App& data);
void add_label_verb(CLI::App& data);
void add_recount_verb(CLI::App& data, Context& context);

}  // namespace reprise::app
