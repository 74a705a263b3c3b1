// Runs the cells of the matrix that belong to this build, and writes one line a cell: its name, the target that really
// ran, the root of the last checkpoint, the chain of run.log, and where the run was killed.
//
//   matrix_cells list quick|full|large               names of the cells, of all builds
//   matrix_cells run quick|full|large RESULTS FOLDER runs what RESULTS does not hold yet, and appends to it

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <set>

#include "../unit/train/tiny_run.h"
#include "run_cell.h"

namespace reprise::matrix {
namespace {

#ifdef __clang__
const std::string kCompiler = "clang++";
#else
const std::string kCompiler = "g++";
#endif
const std::string kOptimisation = REPRISE_MATRIX_OPTIMISATION;

std::vector<Cell> design(const std::string& size) {
  if (size == "quick") return quick_design(kCompiler, kOptimisation, numerics::available_targets());
  if (size == "large") return large_design(kCompiler, kOptimisation);
  return full_design();
}

/// The cells that this build and this processor can run.
std::vector<Cell> runnable(const std::string& size) {
  const std::vector<numerics::Target> targets = numerics::available_targets();
  std::vector<Cell> cells;
  for (const Cell& cell : design(size)) {
    const bool has_target = std::find(targets.begin(), targets.end(), cell.target) != targets.end();
    if (has_target && cell.compiler == kCompiler && cell.optimisation == kOptimisation) cells.push_back(cell);
  }
  return cells;
}

std::set<std::string> names_in(const std::string& results) {
  std::set<std::string> names;
  std::ifstream file(results);
  for (std::string line; std::getline(file, line);) names.insert(line.substr(0, line.find('\t')));
  return names;
}

int run(const std::string& size, const std::string& results, const std::filesystem::path& folder) {
  const Workload workload = size == "large" ? large_workload() : small_workload();
  const std::vector<Cell> cells = runnable(size);
  const std::set<std::string> done = names_in(results);
  const std::filesystem::path data = folder / "data";
  std::filesystem::remove_all(folder);
  train::make_tiny_data(data);
  int failed = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Cell& cell = cells[i];
    if (done.contains(cell.name())) continue;
    const CellResult result = run_cell(workload, cell, cells[(i * 7 + 5) % cells.size()], i, data, folder / "run");
    const std::string line = result.finished
                                 ? fmt::format("{}\t{} {}\t{}\t{}\t{}\t{}", cell.name(), kCompiler, __VERSION__,
                                               result.target, result.root, result.run_log, result.killed)
                                 : fmt::format("{}\tfailed: {}", cell.name(), result.failure);
    std::puts(line.c_str());
    std::fflush(stdout);
    if (result.finished) std::ofstream(results, std::ios::app) << line << '\n';
    if (!result.finished) ++failed;
  }
  std::filesystem::remove_all(folder);
  return failed == 0 ? 0 : 1;
}

int main_of_matrix(const std::vector<std::string>& arguments) {
  if (arguments.size() == 4 && arguments[0] == "run") return run(arguments[1], arguments[2], arguments[3]);
  if (arguments.size() == 2 && arguments[0] == "list") {
    for (const Cell& cell : design(arguments[1])) std::puts(cell.name().c_str());
    return 0;
  }
  std::fputs("usage: matrix_cells list SIZE | matrix_cells run SIZE RESULTS FOLDER\n", stderr);
  return 2;
}

}  // namespace
}  // namespace reprise::matrix

int main(int argc, char** argv) {
  try {
    return reprise::matrix::main_of_matrix({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
