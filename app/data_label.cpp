// reprise data label

#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "data_verbs.h"
#include "detector_flags.h"
#include "json_text.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/label_corpus.h"
#include "reprise/logs/progress_bar.h"
#include "run_flags.h"

namespace reprise::app {
namespace {

struct LabelFlags {
  std::string config;
  std::vector<std::string> overrides;
  std::string out;
  DetectorFlags detector;
  int threads = 0;
  bool json = false;
  bool quiet = false;
};

/// Where the labels go: --out, or where the recipe looks for them.
std::filesystem::path path_of(const LabelFlags& flags, const configs::RunConfig& config) {
  if (!flags.out.empty()) return flags.out;
  const std::string& path = config.recipe().data().languages().path();
  REPRISE_REQUIRE(!path.empty(), ErrorKind::kUsage, "the recipe names no file for labels: recipe.data.languages.path",
                  "name one with --out FILE, or add languages { path: \"labels.jsonl\" ... } to recipe.data");
  return std::filesystem::path(config.runtime().corpus_dir()) / path;
}

/// The sha256 of labels that are still to be made is not known, so any will do until they are.
configs::RunConfig load(const LabelFlags& flags) {
  std::vector<std::string> overrides = flags.overrides;
  overrides.push_back("recipe.data.languages.sha256=" + std::string(64, '0'));
  if (!flags.out.empty()) overrides.push_back("recipe.data.languages.path=" + flags.out);
  return configs::load_config(flags.config, overrides);
}

void label(const LabelFlags& flags) {
  const configs::RunConfig config = load(flags);
  const std::filesystem::path path = path_of(flags, config);
  data::BuildOptions options;
  options.corpus_dir = config.runtime().corpus_dir();
  options.num_threads = flags.threads;
  const auto detector = make_detector(flags.detector);
  const auto progress = logs::make_progress(flags.quiet);
  const data::LanguageLabels labels = data::label_corpus(config.recipe().data(), options, *detector, *progress);
  labels.write(path);
  const std::string hash = sha256(read_file(path)).hex();
  const data::DetectorIdentity& identity = labels.detector();
  if (flags.json) {
    const nlohmann::ordered_json json = {{"file", path.string()},
                                         {"sha256", hash},
                                         {"labels", labels.size()},
                                         {"digest", labels.digest().hex()},
                                         {"detector", identity.name},
                                         {"version", identity.version},
                                         {"model_sha256", identity.model_sha256}};
    fmt::print("{}\n", json_text(json));
  } else {
    fmt::print("{} labels by {} {} in {}\nlanguages {{ path: \"{}\" sha256: \"{}\" }}\n", labels.size(), identity.name,
               identity.version, path.string(), std::filesystem::relative(path, options.corpus_dir).string(), hash);
  }
}

}  // namespace

void add_label_verb(CLI::App& data) {
  const auto flags = std::make_shared<LabelFlags>();
  CLI::App* verb =
      data.add_subcommand("label", "Label the language of each text of a config, for later builds to read");
  verb->add_option("CONFIG", flags->config, "Run config")->required();
  add_set_flag(*verb, flags->overrides, "runtime.corpus_dir=DIR");
  verb->add_option("--out", flags->out, "File of labels (default: recipe.data.languages.path)");
  add_detector_options(*verb, flags->detector);
  add_threads_flag(*verb, flags->threads, "Threads (default: one per core)");
  verb->add_flag("--json", flags->json, "Print what was written as JSON on stdout");
  add_quiet_flag(*verb, flags->quiet);
  verb->footer(
      "Prints the line that the recipe needs.\n\n"
      "Example:\n  reprise data label tests/data/small.pbtxt --out labels.jsonl");
  verb->callback([flags] { label(*flags); });
}

}  // namespace reprise::app
