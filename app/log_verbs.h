#pragma once
// Verbs of `reprise log` that have a file of their own.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>

#include "commands.h"

namespace reprise::app {

/// Prints the last `tail` steps of run.log (0: all) and every new one as it comes, across kills and resumes, until the
/// last step of the run or a signal.
void follow_run(const std::filesystem::path& run, std::size_t tail, Context& context);
/// The same of session.log, until the session that makes the last step ends.
void follow_session(const std::filesystem::path& run, std::size_t tail, std::optional<double> peak_gflops,
                    Context& context);

void add_log_statistics_verb(CLI::App& log, Context& context);
void add_log_diff_verb(CLI::App& log, Context& context);

}  // namespace reprise::app
