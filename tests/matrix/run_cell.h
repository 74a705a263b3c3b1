#pragma once
// Trains one cell of the matrix: ranks as threads of a process of its own; with `kill`, a first process under other
// settings is killed at a fault point before.

#include <filesystem>
#include <string>

#include "cell_design.h"
#include "reprise/configs/config.pb.h"

namespace reprise::matrix {

/// What is trained, and how long.
struct Workload {
  configs::RunConfig config;
  int num_grains = 1;
  int num_steps = 1;
  int num_checkpoints = 1;
};

/// Less than 0.1 million parameters, 10 steps of 18 grains.
Workload small_workload();
/// 10 million parameters, 50 steps of 4 grains.
Workload large_workload();

struct CellResult {
  bool finished = false;
  std::string target;        // what the training process says it ran on
  std::string root;          // of the last checkpoint
  std::string run_log;       // chain of run.log: every loss, norm, state digest and checkpoint root of the run
  std::string killed = "-";  // where and under which settings, or "-"
  std::string failure;       // when not finished
};

/// Runs `cell` in `folder`, which is made from `data` (tokenizer and shards) and removed afterwards. `before` are the
/// settings of the process that is killed. The calling process must have one thread.
CellResult run_cell(const Workload& workload, const Cell& cell, const Cell& before, std::size_t index,
                    const std::filesystem::path& data, const std::filesystem::path& folder);

}  // namespace reprise::matrix
