#pragma once
// The temporary folder of a build, RUN/data/.build: finished pieces of work, so that a build that was stopped goes on
// where it was. A piece is a file that is there whole or not at all; a step is done when its mark is there. The folder
// belongs to one program, recipe, set of input files and start of the machine; found with another key it is emptied.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "reprise/core/hash.h"
#include "reprise/core/team.h"

namespace reprise::data {

class BuildScratch {
 public:
  /// Collective: opens `folder`, or makes it anew on rank 0.
  BuildScratch(std::filesystem::path folder, const Digest& key, const Team& team);

  const Team& team() const { return team_; }
  const std::filesystem::path& folder() const { return folder_; }

  /// The folder of one sort of pieces, made where it is missing.
  std::filesystem::path pieces(const std::string& sort) const;
  /// The `number`th piece of a sort.
  std::filesystem::path piece(const std::string& sort, std::uint64_t number) const;
  /// Writes a piece, or another file of the folder. Throws kIo.
  static void write_piece(const std::filesystem::path& path, std::string_view bytes);
  void remove_pieces(const std::string& sort) const;

  /// Runs a step on rank 0 alone while the others wait. Collective. A step that was done is not run again.
  void run_on_one(const std::string& step, const std::function<void()>& work);
  /// Runs a step on every rank: each does its share. Collective.
  void run_on_all(const std::string& step, const std::function<void()>& work);

 private:
  std::filesystem::path mark(const std::string& step) const { return folder_ / (step + ".done"); }

  std::filesystem::path folder_;
  const Team& team_;
  std::set<std::string> done_;  // as it was when the folder was opened: the same on all ranks
};

/// The key of a build: the running program, the start of the machine, `recipe` and `inputs`, both in any form that
/// tells them apart.
Digest build_key(std::string_view recipe, std::string_view inputs);

}  // namespace reprise::data
