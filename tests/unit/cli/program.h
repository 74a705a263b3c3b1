#pragma once
// Runs build/bin/reprise as a user does and keeps what it printed. Every test gets a folder of its own.

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace reprise::cli_test {

struct Outcome {
  int exit_code = -1;  // 128 + n when signal n ended it
  std::string out;     // standard output
  std::string err;     // standard error
};

/// Runs the program with `arguments` in the source folder. `environment` holds "NAME=value" entries to add.
Outcome run_reprise(const std::vector<std::string>& arguments, const std::vector<std::string>& environment = {});

/// Where the program lies, and the same for another program, such as an altered copy of it.
std::filesystem::path program_path();
Outcome run_program(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                    const std::vector<std::string>& environment = {});

/// Path of the small config of the tests.
std::string small_config();

class ProgramTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
  std::filesystem::path folder_;
};

/// Roots of all scheduled checkpoints of a run.
std::vector<std::string> checkpoint_roots(const std::filesystem::path& run);

/// A run folder with data, tokenizer and shards of the small config, made once per process; copied into `target`.
void copy_prepared_run(const std::filesystem::path& target);
/// The same, trained to its end.
void copy_trained_run(const std::filesystem::path& target);

}  // namespace reprise::cli_test
