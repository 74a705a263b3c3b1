#pragma once
// Verbs of `reprise checkpoint` that have a file of their own.

#include <CLI/CLI.hpp>

#include "commands.h"

namespace reprise::app {

void add_materialize_verb(CLI::App& checkpoint, Context& context);

}  // namespace reprise::app
