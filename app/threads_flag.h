#pragma once
// --threads of every verb that has it, with the same bounds.

#include <CLI/CLI.hpp>
#include <string>

namespace reprise::app {

/// Adds --threads, from `least` to 1024; `least` is 0 where that means one per core.
CLI::Option* add_threads_flag(CLI::App& verb, int& threads, const std::string& help, int least = 1);

}  // namespace reprise::app
