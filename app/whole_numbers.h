#pragma once
// What a flag that counts may be given.

#include <CLI/CLI.hpp>

namespace reprise::app {

/// Lets every option of `app` and its verbs that takes whole numbers refuse those below zero, and those that are too
/// large for 64 bits. CLI11 takes both for other numbers: -1 is its largest one. To be called when all verbs are there.
void refuse_wrapped_numbers(CLI::App& app);

}  // namespace reprise::app
