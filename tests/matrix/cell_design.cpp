#include "cell_design.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace reprise::matrix {
namespace {

using numerics::Target;

const std::vector<Target> kTargets = {Target::kPortable, Target::kAvx2, Target::kAvx512};
const std::vector<std::string> kCompilers = {"g++", "clang++"};
const std::vector<std::string> kOptimisations = {"-O1", "-O3"};
const std::vector<int> kThreads = {1, 2, 3, 8};
const std::vector<int> kRanks = {1, 2, 3, 5, 7, 8, 16};
const std::vector<int> kGrains = {1, 2, 4};

/// Every combination of the values given, the index of each value in `indices`.
template <typename Visit>
void for_each_cell(const std::vector<Target>& targets, const std::vector<std::string>& compilers,
                   const std::vector<std::string>& optimisations, const Visit& visit) {
  const std::vector<std::size_t> sizes = {
      targets.size(), compilers.size(), optimisations.size(), kThreads.size(), kRanks.size(), kGrains.size(), 2};
  std::vector<std::size_t> at(sizes.size());
  while (true) {
    const Cell cell{targets[at[0]], compilers[at[1]], optimisations[at[2]], kThreads[at[3]], kRanks[at[4]],
                    kGrains[at[5]], at[6] == 1};
    visit(cell, at);
    std::size_t axis = 0;
    while (axis < sizes.size() && ++at[axis] == sizes[axis]) at[axis++] = 0;
    if (axis == sizes.size()) return;
  }
}

std::vector<std::string> values_of(const Cell& cell) {
  return {fmt::format("target {}", numerics::to_string(cell.target)),
          "compiler " + cell.compiler,
          "optimisation " + cell.optimisation,
          fmt::format("threads {}", cell.threads),
          fmt::format("ranks {}", cell.ranks),
          fmt::format("grains per forward {}", cell.grains_per_forward),
          cell.kill ? "killed" : "not killed"};
}

std::vector<std::string> pairs_of(const Cell& cell) {
  const std::vector<std::string> values = values_of(cell);
  std::vector<std::string> pairs;
  for (std::size_t a = 0; a < values.size(); ++a) {
    for (std::size_t b = a + 1; b < values.size(); ++b) pairs.push_back(values[a] + " and " + values[b]);
  }
  return pairs;
}

}  // namespace

std::string Cell::name() const {
  return fmt::format("{} {} {} threads={} ranks={} grains={} kill={}", compiler, optimisation,
                     numerics::to_string(target), threads, ranks, grains_per_forward, kill ? "yes" : "no");
}

std::vector<Cell> full_design() {
  std::vector<Cell> cells;
  for_each_cell(kTargets, kCompilers, kOptimisations, [&](const Cell& cell, const std::vector<std::size_t>& at) {
    // For any values of the other axes exactly one number of threads is taken.
    const std::size_t sum = at[0] + at[1] + 2 * at[2] + at[4] + at[5] + 2 * at[6];
    if (sum % kThreads.size() == at[3]) cells.push_back(cell);
  });
  return cells;
}

std::vector<Cell> quick_design(const std::string& compiler, const std::string& optimisation,
                               const std::vector<Target>& targets) {
  std::vector<Cell> all;
  for_each_cell(targets, {compiler}, {optimisation}, [&](const Cell& cell, const auto&) { all.push_back(cell); });
  std::vector<Cell> chosen = {all.front()};  // one thread, one rank, portable: what the others are compared with
  std::set<std::string> missing;
  for (const std::string& pair : pairs_in(all)) missing.insert(pair);
  const auto gain = [&](const Cell& cell) {
    const std::vector<std::string> pairs = pairs_of(cell);
    return std::count_if(pairs.begin(), pairs.end(), [&](const std::string& pair) { return missing.contains(pair); });
  };
  for (const std::string& pair : pairs_of(chosen.front())) missing.erase(pair);
  while (!missing.empty()) {
    const Cell best =
        *std::max_element(all.begin(), all.end(), [&](const Cell& a, const Cell& b) { return gain(a) < gain(b); });
    for (const std::string& pair : pairs_of(best)) missing.erase(pair);
    chosen.push_back(best);
  }
  return chosen;
}

std::vector<Cell> large_design(const std::string& compiler, const std::string& optimisation) {
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < 20; ++i) {
    cells.push_back({i % 2 == 0 ? Target::kAvx512 : Target::kAvx2, compiler, optimisation, kThreads[i / 2 % 4],
                     kRanks[i % 4], kGrains[i % 3], i / 5 % 2 == 1});
  }
  return cells;
}

std::vector<std::string> pairs_in(const std::vector<Cell>& cells) {
  std::set<std::string> pairs;
  for (const Cell& cell : cells) {
    for (const std::string& pair : pairs_of(cell)) pairs.insert(pair);
  }
  return {pairs.begin(), pairs.end()};
}

}  // namespace reprise::matrix
