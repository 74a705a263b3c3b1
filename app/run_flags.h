#pragma once
// Flags that several verbs have, alike in all of them.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace reprise::app {

/// Adds --threads, from `least` to 1024; `least` is 0 where that means one per core.
CLI::Option* add_threads_flag(CLI::App& verb, int& threads, const std::string& help, int least = 1);

/// Adds --ranks, from 1 to what runtime.num_ranks may be.
CLI::Option* add_ranks_flag(CLI::App& verb, int& ranks);

/// Adds --set, which may be repeated; `example` is a field that this verb reads, with a value.
CLI::Option* add_set_flag(CLI::App& verb, std::vector<std::string>& overrides, const std::string& example);

/// Adds --quiet.
CLI::Option* add_quiet_flag(CLI::App& verb, bool& quiet);

}  // namespace reprise::app
