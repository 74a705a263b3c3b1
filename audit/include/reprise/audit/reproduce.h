#pragma once
// The whole path: raw text, filters, tokenizer, shards, training, evaluation, manifest, verdict.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "reprise/audit/manifest.h"
#include "reprise/configs/config.pb.h"
#include "reprise/core/progress.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/eval/evaluate.h"

namespace reprise::audit {

struct ReproduceOptions {
  std::filesystem::path run_dir;
  std::filesystem::path published;  // manifest to compare with; need not exist
  int num_threads = 1;
  bool overwrite = false;  // replace whatever run is in run_dir
  bool baselines = true;
  /// Runs training in a run folder. In process for one rank; the program starts mpirun for more. Returns its exit code.
  std::function<int(const std::filesystem::path& run_dir, bool resume)> run_training;
  /// Called with one line for people whenever there is something to say.
  std::function<void(const std::string&)> say;
};

/// One line of the closing table.
struct Phase {
  std::string name;
  double seconds = 0;
  std::string figures;
};

struct ReproduceReport {
  std::vector<Phase> phases;
  Manifest manifest;
  std::optional<Digest> published_root;         // nothing: no published manifest was found
  std::optional<std::string> first_difference;  // artefact name, when the published root differs
  // The same of the finished run in the folder, where there was one.
  std::optional<Digest> previous_root;
  std::optional<std::string> previous_difference;
  eval::CheckpointResult last;  // of the last checkpoint
  std::optional<eval::Baselines> baselines;
  int training_exit_code = 0;  // not 0: training stopped, nothing after it was done

  /// The published run decides; without one, the run that stood in the folder.
  const std::optional<Digest>& wanted_root() const { return published_root ? published_root : previous_root; }
  const std::optional<std::string>& difference() const {
    return published_root ? first_difference : previous_difference;
  }
  bool reproduced() const { return wanted_root() && !difference(); }
};

/// Runs every phase and compares. A finished run of the same recipe in run_dir stays as it is and is computed again
/// from nothing in run_dir/again, which goes when the new root is the same, and stays otherwise. An interrupted run
/// goes on from its last checkpoint; a run of another recipe is refused unless `overwrite`.
ReproduceReport reproduce(const configs::RunConfig& config, const ReproduceOptions& options, ProgressSink& progress);

struct PreparedData {
  std::vector<Phase> phases;  // table lines
  // Inputs, URL lists, labels and evaluation files that differ from the recipe and were accepted.
  std::vector<std::string> mismatched_files;
};

/// Prepares documents, tokenizer and shards in options.output_dir: what training needs. Goes on where the same call was
/// stopped. Collective over options.team; ranks above 0 get phases without figures.
PreparedData prepare_data(const configs::RunConfig& config, const data::BuildOptions& options,
                          const std::function<void(const std::string&)>& say, ProgressSink& progress);

}  // namespace reprise::audit
