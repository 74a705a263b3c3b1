#pragma once
// Verbs of `reprise log` that have a file of their own.

#include <CLI/CLI.hpp>

#include "commands.h"

namespace reprise::app {

void add_log_diff_verb(CLI::App& log, Context& context);

}  // namespace reprise::app
