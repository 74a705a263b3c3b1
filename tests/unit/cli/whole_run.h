#pragma once
// The run that nobody disturbs, and how a disturbed one is held against it.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "program.h"

namespace reprise::cli_test {

struct WholeRun {
  std::vector<std::string> roots;                 // of all checkpoints, by step
  std::map<std::string, std::string> file_roots;  // by file name
  std::string run_log;
  double seconds = 0;
};

/// The small run, uninterrupted, on one rank; made once a process.
const WholeRun& whole_run();

std::vector<std::string> ranks_flag(int ranks);

/// Reads and verifies every checkpoint that has its final name: all are whole and have the roots of the whole run.
/// Recovery files are only verified.
void expect_only_whole_checkpoints(const std::filesystem::path& run);

/// Resumes on `ranks` ranks, or starts again where the run had not begun: all checkpoints and run.log then are those of
/// the whole run, and nothing unfinished is left.
void expect_resumes_to_the_whole_run(const std::filesystem::path& run, int ranks);

/// Step of the newest scheduled checkpoint file; -1 when there is none.
int newest_checkpoint(const std::filesystem::path& run);

}  // namespace reprise::cli_test
