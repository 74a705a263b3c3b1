#include <fmt/core.h>

#include <map>

#include "reprise/audit/manifest.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/checkpoints/prune.h"
#include "reprise/configs/checkpoint_schedule.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "reprise/eval/evaluate.h"
#include "reprise/logs/run_log.h"
#include "reprise/train/trainer.h"

namespace reprise::audit {
namespace {

using Artefacts = std::vector<Artefact>;

void add_data(const std::filesystem::path& run_dir, Artefacts& artefacts) {
  const data::CorpusResult corpus = data::read_corpus_result(run_dir);
  artefacts.insert(artefacts.begin(), {"corpus", corpus.corpus});
  artefacts.push_back({"data/train", corpus.kept});
  artefacts.push_back({"data/held_out", corpus.held_out});
  artefacts.push_back({"data/dropped", corpus.dropped});
  artefacts.push_back({"data/report", corpus.report});
  artefacts.push_back({"tokenizer", data::Tokenizer::load(run_dir / "tokenizer" / "tokenizer.json").digest()});
  for (const char* stem : {"train", "held_out"}) {
    artefacts.push_back({fmt::format("shards/{}", stem), data::TokenSet::open(run_dir / "shards", stem).root()});
  }
}

/// Every scheduled checkpoint, whole: each stored tensor is hashed again. One that was pruned counts by its record; a
/// missing one is an error here, not a gap.
void add_checkpoints(const configs::Recipe& recipe, const std::filesystem::path& run_dir, Artefacts& artefacts) {
  std::map<std::uint64_t, Digest> pruned;
  for (const checkpoints::PrunedCheckpoint& gone : checkpoints::read_pruned(run_dir / "checkpoints")) {
    if (gone.whole_file) pruned[gone.step] = gone.root;
  }
  for (const std::uint64_t step : configs::checkpoint_steps(recipe)) {
    const std::string name = checkpoints::file_name(checkpoints::FileKind::kScheduled, step);
    const std::filesystem::path path = run_dir / "checkpoints" / name;
    if (pruned.contains(step) && !std::filesystem::exists(path)) {
      artefacts.push_back({"checkpoints/" + path.stem().string(), pruned[step]});
      continue;
    }
    const checkpoints::LoadedCheckpoint loaded = checkpoints::read_checkpoint(path);
    REPRISE_REQUIRE(
        loaded.info.header.step == step, ErrorKind::kCorrupt,
        fmt::format("{} says it is step {}, its name says {}", path.string(), loaded.info.header.step, step),
        "the file was renamed or replaced; restore it or run the training again");
    artefacts.push_back({"checkpoints/" + path.stem().string(), loaded.info.root});
  }
}

void add_log_and_results(const std::filesystem::path& run_dir, Artefacts& artefacts) {
  const logs::RunLog log = logs::read_run_log(run_dir / "run.log");
  REPRISE_REQUIRE(!log.torn_tail, ErrorKind::kCorrupt,
                  fmt::format("{} ends in the middle of a record", (run_dir / "run.log").string()),
                  "continue the run: `reprise train --resume RUN`");
  artefacts.push_back({"run.log", log.chain});
  const eval::EvalResult results = eval::read_results(run_dir);
  artefacts.push_back({"eval/suite", results.suite});
  artefacts.push_back({"eval/results", eval::result_hash(results)});
}

}  // namespace

Manifest build_manifest(const configs::Recipe& recipe, const std::filesystem::path& run_dir) {
  Manifest manifest;
  manifest.run_name = recipe.name();
  Artefacts& artefacts = manifest.artefacts;
  artefacts.push_back({"recipe", configs::recipe_hash(recipe)});
  artefacts.push_back({"contract", CanonicalHasher("reprise.contract.v1")
                                       .string("numerics", recipe.numerics())
                                       .u64("version", recipe.contract_version())
                                       .finish()});
  add_data(run_dir, artefacts);
  add_checkpoints(recipe, run_dir, artefacts);
  add_log_and_results(run_dir, artefacts);
  manifest.code = code_identity();
  return manifest;
}

}  // namespace reprise::audit
