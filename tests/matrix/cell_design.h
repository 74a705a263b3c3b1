#pragma once
// Which combinations of target, compiler, optimisation, threads, ranks, grains per forward pass and kills the matrix
// runs. Every combination must give the same bits; which ones are run is a choice, and every pair of values is in it.

#include <string>
#include <vector>

#include "reprise/numerics/target.h"

namespace reprise::matrix {

struct Cell {
  numerics::Target target = numerics::Target::kPortable;
  std::string compiler;      // "g++" or "clang++"
  std::string optimisation;  // "-O1" or "-O3"
  int threads = 1;
  int ranks = 1;
  int grains_per_forward = 1;
  bool kill = false;

  std::string name() const;
};

/// A quarter of all 2016 combinations: 504, of all compilers and optimisations and of all three targets.
std::vector<Cell> full_design();

/// The fewest that a greedy search finds with every pair of values, for one compiler and optimisation and the targets
/// given.
std::vector<Cell> quick_design(const std::string& compiler, const std::string& optimisation,
                               const std::vector<numerics::Target>& targets);

/// Twenty for a model that takes long: the targets with vector instructions, no more ranks than grains and one more.
std::vector<Cell> large_design(const std::string& compiler, const std::string& optimisation);

/// Every pair of values of two different axes that is in `cells`, in words.
std::vector<std::string> pairs_in(const std::vector<Cell>& cells);

}  // namespace reprise::matrix
