#include "run_cell.h"

#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <mutex>
#include <sstream>

#include "../unit/train/tiny_run.h"
#include "reprise/core/error.h"
#include "reprise/dist/local_group.h"

namespace reprise::matrix {
namespace {

/// Trains on `cell.ranks` threads; returns what the first rank reports.
train::TrainSummary train_here(const Workload& workload, const Cell& cell, bool resume,
                               const std::filesystem::path& folder) {
  numerics::set_active_target(cell.target);
  train::TrainOptions options;
  options.run_dir = folder;
  options.num_threads = cell.threads;
  options.compute.grains_per_forward = cell.grains_per_forward;
  // Two settings more that may change no bit ride on the others: gradients in parts, activations computed again.
  options.compute.bucket_kib = cell.ranks % 2 == 0 ? 1 : 0;
  options.compute.recompute_layers = cell.threads % 2 == 0 ? 2 : 0;
  options.resume = resume;
  options.program.command_line = {"matrix_cells", cell.name()};
  train::TrainSummary summary;
  dist::run_local_group(cell.ranks, [&](dist::Communicator& communicator) {
    const train::TrainSummary mine = train::train(workload.config, options, communicator, no_progress());
    if (communicator.rank() == 0) summary = mine;
  });
  return summary;
}

/// Runs `cell` in a child process and returns what it wrote: "ok target root chain" or "error ...", and its status.
std::string run_child(const Workload& workload, const Cell& cell, bool resume, const std::string& fault,
                      const std::filesystem::path& folder, int& status) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) throw Error(ErrorKind::kIo, "cannot make a pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    if (!fault.empty()) ::setenv("REPRISE_FAULT", fault.c_str(), 1);
    std::string text;
    try {
      const train::TrainSummary summary = train_here(workload, cell, resume, folder);
      text = fmt::format("ok {} {} {} {}", numerics::to_string(numerics::active_target()), summary.last_step,
                         summary.final_root.hex(), summary.run_log.hex());
    } catch (const std::exception& error) {
      text = fmt::format("error {}", error.what());
    }
    const bool written = ::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::_exit(written ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text;
  std::array<char, 4096> part{};
  for (ssize_t count = 0; (count = ::read(ends[0], part.data(), part.size())) > 0;) {
    text.append(part.data(), static_cast<std::size_t>(count));
  }
  ::close(ends[0]);
  ::waitpid(child, &status, 0);
  return text;
}

/// A fault point and the pass at which it kills, seldom enough that a run passes it.
std::string fault_of(const Workload& workload, const Cell& cell, std::size_t index) {
  const int groups = (workload.num_grains + cell.grains_per_forward - 1) / cell.grains_per_forward;
  struct Point {
    const char* name;
    int passes;  // at least so many in a run
  };
  const std::array<Point, 5> points = {{{"compute", groups * workload.num_steps},
                                        {"exchange", workload.num_steps},
                                        {"tensor_write", workload.num_checkpoints},
                                        {"before_rename", workload.num_checkpoints},
                                        {"log_append", workload.num_steps}}};
  const Point& point = points[index % points.size()];
  return fmt::format("{}:{}", point.name, 1 + static_cast<int>(index * 7919 % static_cast<std::size_t>(point.passes)));
}

bool kill_first(const Workload& workload, const Cell& before, std::size_t index, const std::filesystem::path& folder,
                CellResult& result) {
  const std::string fault = fault_of(workload, before, index);
  int status = 0;
  const std::string text = run_child(workload, before, false, fault, folder, status);
  result.killed = fmt::format("{} under {}", fault, before.name());
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return true;
  result.failure = fmt::format("was not killed at {}: {}", result.killed, text);
  return false;
}

}  // namespace

Workload small_workload() {
  // Sizes that are no multiple of a vector, a tile or a lane; 18 grains, so that the tree is no whole one.
  return {
      train::tiny_config({"recipe.name=matrix_small", "model.hidden_size=44", "model.num_layers=2", "model.ffn_size=68",
                          "train.grain_sequences=1", "train.batch_sequences=18", "train.num_steps=10",
                          "train.checkpoints.interval=4", "train.checkpoints.anchor_interval=4"}),
      18, 10, 6};
}

Workload large_workload() {
  return {
      train::tiny_config({"recipe.name=matrix_large", "tokenizer.vocab_size=8192", "model.hidden_size=256",
                          "model.num_layers=6", "model.num_heads=8", "model.ffn_size=896", "train.sequence_length=64",
                          "train.grain_sequences=1", "train.batch_sequences=4", "train.num_steps=50",
                          "train.checkpoints.interval=25", "train.checkpoints.anchor_interval=25"}),
      4, 50, 7};
}

CellResult run_cell(const Workload& workload, const Cell& cell, const Cell& before, std::size_t index,
                    const std::filesystem::path& data, const std::filesystem::path& folder) {
  std::filesystem::remove_all(folder);
  std::filesystem::copy(data, folder, std::filesystem::copy_options::recursive);
  CellResult result;
  if (!cell.kill || kill_first(workload, before, index, folder, result)) {
    int status = 0;
    std::istringstream text(run_child(workload, cell, cell.kill, "", folder, status));
    std::string word;
    int last_step = 0;
    text >> word;
    if (word == "ok") text >> result.target >> last_step >> result.root >> result.run_log;
    result.finished = last_step == workload.num_steps && status == 0;
    if (!result.finished) result.failure = fmt::format("status {}: {}", status, text.str());
  }
  std::filesystem::remove_all(folder);
  return result;
}

}  // namespace reprise::matrix
