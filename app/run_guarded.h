#pragma once
// Parses the command line, runs the chosen verb, and turns whatever comes back into a documented exit code.

#include "commands.h"

namespace reprise::app {

int run_guarded(CLI::App& app, int argc, char** argv, Context& context);

}  // namespace reprise::app
