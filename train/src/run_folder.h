#pragma once
// The files of a run folder that training finds or leaves (docs/formats/run_folder.md): whether it may start there,
// where it resumes, recipe.pbtxt and run.log.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "reprise/configs/config.pb.h"
#include "reprise/core/hash.h"
#include "reprise/logs/run_log.h"

namespace reprise::train {

/// What makes two runs the same run.
struct RunIdentity {
  configs::Recipe recipe;  // resolved
  Digest recipe_hash;
  std::string recipe_text;  // bytes of recipe.pbtxt, which load_config reads
  Digest data_root;         // of the training shards
  Digest tokenizer;
};

/// Resolves `config` and reads its text and hash; data_root and tokenizer are left to the caller.
RunIdentity identify(const configs::RunConfig& config);

/// The header of run.log.
logs::RunHeader run_header(const RunIdentity& identity, std::uint64_t num_parameters, std::uint64_t num_grains);

class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path checkpoints() const { return root_ / "checkpoints"; }
  std::filesystem::path shards() const { return root_ / "shards"; }
  std::filesystem::path tokenizer() const { return root_ / "tokenizer" / "tokenizer.json"; }
  std::filesystem::path run_log() const { return root_ / "run.log"; }
  std::filesystem::path session_log() const { return root_ / "session.log"; }
  std::filesystem::path recipe() const { return root_ / "recipe.pbtxt"; }
  /// The checkpoint of another run, with moments, that this one goes on from.
  std::filesystem::path parent() const { return root_ / "parent.h5"; }

  /// Throws kCheckpoint when a run has begun here.
  void require_no_run() const;

  /// Throws kData unless shards/ and tokenizer/ hold what training reads.
  void require_data() const;

  /// Makes the folder ready for a new run and writes recipe.pbtxt. Throws kCheckpoint when it already holds a run.
  void begin(const RunIdentity& identity) const;

  /// Makes the folder ready to go on: deletes unfinished files, and returns the checkpoint to go on from; none means
  /// that the run had not come so far as to save one. Throws kCheckpoint when the folder holds no run, or another one,
  /// and, but for `without_checkpoint`, when run.log says that there were checkpoints: from the beginning the log would
  /// be cut, and those that come back could not go on.
  std::optional<std::filesystem::path> prepare_resume(const RunIdentity& identity, bool without_checkpoint) const;

 private:
  void delete_partial_files() const;

  std::filesystem::path root_;
};

/// Creates run.log, or cuts the one of an earlier session back to its header. Throws kCheckpoint when that one was
/// begun with another recipe, other shards or another tokenizer.
logs::RunLogWriter open_run_log_at_start(const RunFolder& folder, const logs::RunHeader& header);

/// Cuts run.log back to `step`. Throws kCheckpoint like open_run_log_at_start(), and when it does not hold that step
/// with the state digest `state`.
logs::RunLogWriter open_run_log_after(const RunFolder& folder, const logs::RunHeader& header, std::uint64_t step,
                                      const Digest& state);

/// Returns the first field in which two recipes differ, as "train.num_steps: 600 -> 500", or an empty text.
std::string first_difference(const configs::Recipe& stored, const configs::Recipe& given);

}  // namespace reprise::train
