#pragma once
// Verbs of `reprise data` that have a file of their own.

#include <CLI/CLI.hpp>

#include "commands.h"

namespace reprise::app {

void add_card_verb(CLI::App& data);
void add_dedup_verb(CLI::App& data);
void add_decontaminate_verb(CLI::App& data);
void add_reading_order_verbs(CLI::App& data);
void add_recount_verb(CLI::App& data, Context& context);

}  // namespace reprise::app
