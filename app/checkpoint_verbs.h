#pragma once
// Verbs of `reprise checkpoint` that have a file of their own, and how they find files.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "commands.h"
#include "reprise/checkpoints/examine.h"

namespace reprise::app {

void add_average_verb(CLI::App& checkpoint);
void add_export_verb(CLI::App& checkpoint);
void add_ema_verb(CLI::App& checkpoint, Context& context);
void add_materialize_verb(CLI::App& checkpoint, Context& context);
void add_pack_verbs(CLI::App& checkpoint, Context& context);
void add_prune_verb(CLI::App& checkpoint);
void add_verify_verb(CLI::App& checkpoint, Context& context);

/// What `show` prints of an average.
void show_average(const std::filesystem::path& file, bool json);

/// What `verify` does with one file: its values against its root, and an average against its sources where they are.
void verify_file(const std::filesystem::path& file, bool json, Context& context);

/// What run.log says of the run's checkpoints; nothing when there is none. Throws kCorrupt where damage hides a part of
/// it.
std::optional<checkpoints::Ledger> ledger_of(const std::filesystem::path& run);

/// What is wrong with the recipe's text in a checkpoint or average, which the root covers by its hash alone; empty when
/// it is right.
std::string wrong_recipe_text(const checkpoints::CheckpointInfo& info);

/// Returns RUN/checkpoints. Throws kIo when there is none, or nothing of that name.
std::filesystem::path checkpoint_folder(const std::filesystem::path& run);

/// Returns the file of a step: the scheduled one, or the recovery file when there is no other. Throws kCorrupt when it
/// holds another step.
std::filesystem::path checkpoint_file_of_step(const std::filesystem::path& run, std::uint64_t step);

/// RUN@STEP.
struct RunAndStep {
  std::filesystem::path run;
  std::uint64_t step = 0;
};

/// Returns nothing where `text` is not RUN@STEP.
std::optional<RunAndStep> run_and_step(const std::string& text);

/// Takes RUN@STEP or the path of a checkpoint file.
std::filesystem::path checkpoint_file(const std::string& text);

}  // namespace reprise::app
