#pragma once
// --device of the verbs that compute beside training.

#include <CLI/CLI.hpp>
#include <string>

namespace reprise::app {

/// Adds --device, "cpu" by default; a name that is none is an error of usage.
void add_device_flag(CLI::App& verb, std::string& device, const std::string& help);

}  // namespace reprise::app
