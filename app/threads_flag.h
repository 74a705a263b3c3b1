#pragma once
// --threads and --ranks of every verb that has them, with the same bounds.

#include <CLI/CLI.hpp>
#include <string>

namespace reprise::app {

/// Adds --threads, from `least` to 1024; `least` is 0 where that means one per core.
CLI::Option* add_threads_flag(CLI::App& verb, int& threads, const std::string& help, int least = 1);

/// Adds --ranks, from 1 to what runtime.num_ranks may be.
CLI::Option* add_ranks_flag(CLI::App& verb, int& ranks);

}  // namespace reprise::app
