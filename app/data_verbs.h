#pragma once
// Verbs of `reprise data` that have a file of their own.

#include <CLI/CLI.hpp>

namespace reprise::app {

void add_reading_order_verbs(CLI::App& data);

}  // namespace reprise::app
