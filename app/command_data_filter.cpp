// reprise data filter

#include <fmt/core.h>

#include <memory>
#include <optional>

#include "commands.h"
#include "detector_flags.h"
#include "reprise/core/error.h"
#include "reprise/core/print_note.h"
#include "reprise/data_pipeline/filter_files.h"
#include "reprise/data_pipeline/filter_presets.h"

namespace reprise::app {
namespace {

struct FilterFlags {
  std::string preset;
  std::vector<std::string> files;
  bool list = false;
  bool explain = false;
  bool json = false;
  std::string labels;
  bool relabel = false;
  std::string language = "en";
  DetectorFlags detector;
  double min_share = 0.65;
  std::vector<std::string> url_lists;
  std::uint64_t max_line_bytes = std::uint64_t{32} << 20;
};

/// Each "KIND=FILE".
data::UrlLists open_url_lists(const std::vector<std::string>& flags) {
  data::UrlLists lists;
  for (const std::string& flag : flags) {
    const std::size_t equals = flag.find('=');
    REPRISE_REQUIRE(equals != std::string::npos, ErrorKind::kUsage, fmt::format("not KIND=FILE: --url-list {}", flag),
                    "for example --url-list domains=banned.txt");
    lists.add(data::url_list_kind(flag.substr(0, equals)), flag.substr(equals + 1));
  }
  return lists;
}

/// Labels that are stored, or none and a detector that makes them.
struct Languages {
  std::unique_ptr<data::LanguageDetector> detector;
  std::optional<data::LanguageLabels> labels;
};

Languages open_languages(const FilterFlags& flags) {
  Languages languages;
  if (flags.labels.empty()) {
    REPRISE_REQUIRE(!flags.relabel, ErrorKind::kUsage, "--relabel needs a file for the labels", "add --labels FILE");
    return languages;
  }
  if (flags.relabel) {
    languages.detector = make_detector(flags.detector);
    languages.labels.emplace(languages.detector->identity());
  } else {
    languages.labels = data::LanguageLabels::read(flags.labels);
  }
  return languages;
}

void list_presets() {
  for (const data::FilterPreset& preset : data::filter_presets()) {
    fmt::print("{}: {}\n", preset.name, preset.summary);
    std::string lines = data::recipe_text(preset);
    for (std::size_t at = 0; at < lines.size();) {
      const std::size_t end = lines.find('\n', at);
      fmt::print("  {}\n", lines.substr(at, end - at));
      at = end + 1;
    }
  }
}

void filter(const FilterFlags& flags) {
  if (flags.list) return list_presets();
  REPRISE_REQUIRE(flags.min_share >= 0 && flags.min_share <= 1, ErrorKind::kUsage,
                  fmt::format("--min-share must be from 0 to 1, is {}", flags.min_share), "the default is 0.65");
  REPRISE_REQUIRE(!flags.preset.empty(), ErrorKind::kUsage, "no preset is named: --preset NAME is missing",
                  "see all: reprise data filter --list");
  const data::FilterPreset& preset = data::find_filter_preset(flags.preset);
  REPRISE_REQUIRE(!flags.files.empty(), ErrorKind::kUsage, "no file is named",
                  fmt::format("reprise data filter --preset {} FILE...", preset.name));
  data::FilterFilesOptions options;
  options.files.assign(flags.files.begin(), flags.files.end());
  options.explain = flags.explain;
  options.max_line_bytes = flags.max_line_bytes;
  const data::UrlLists url_lists = open_url_lists(flags.url_lists);
  if (!url_lists.files().empty()) options.url_lists = &url_lists;
  Languages languages = open_languages(flags);
  if (languages.labels)
    options.language = {&*languages.labels, languages.detector.get(), flags.language, flags.min_share};
  const data::FilterCounts counts = data::filter_files(
      data::FilterChain(preset.rules), options, [&](const data::Document& document, const data::Judgement& judgement) {
        fmt::print("{}", flags.json ? judgement_json(document, judgement) : judgement_text(document, judgement));
      });
  for (const data::UrlListFile& list : url_lists.files()) {
    print_note("URL list {}: {} entries, SHA-256 {}\n", list.file, list.num_entries, list.sha256.hex());
  }
  if (flags.relabel) languages.labels->write(flags.labels);
  if (languages.labels) {
    const data::DetectorIdentity& detector = languages.labels->detector();
    print_note("languages by {} {}, model {}; {} labels, digest {}\n", detector.name, detector.version,
               detector.model_sha256, languages.labels->size(), languages.labels->digest().hex());
  }
  print_note("{}: {} documents kept, {} dropped\n", preset.name, counts.num_kept, counts.num_dropped);
  for (const auto& [rule, count] : counts.dropped_by) print_note("  {:<40} {:>8}\n", rule, count);
}

}  // namespace

void add_data_filter_command(CLI::App& data) {
  const auto flags = std::make_shared<FilterFlags>();
  CLI::App* verb = data.add_subcommand("filter", "Judge the documents of files by a published chain of filters");
  verb->add_option(
      "FILE", flags->files,
      "Dolma JSON lines (.jsonl, .ndjson, .json; .gz or .zst may stand behind), or plain text as one document");
  verb->add_option("--preset", flags->preset, "Name of the chain, such as gopher-paper or fineweb");
  verb->add_flag("--list", flags->list, "List the presets, each as lines of a recipe");
  verb->add_flag("--explain", flags->explain, "Print the value, threshold and verdict of every rule");
  verb->add_flag("--json", flags->json, "Print one JSON object per document");
  verb->add_option("--url-list", flags->url_lists, "KIND=FILE with KIND domains, strict, hard or soft (repeatable)")
      ->take_all()
      ->allow_extra_args(false);
  verb->add_option("--labels", flags->labels, "File of language labels; only texts in --language are kept");
  verb->add_flag("--relabel", flags->relabel, "Compute the labels and write them to the file of --labels");
  add_detector_options(*verb, flags->detector);
  verb->add_option("--language", flags->language, "Language to keep, with --labels")->capture_default_str();
  verb->add_option("--min-share", flags->min_share, "Smallest share of the text in that language")
      ->capture_default_str();
  verb->add_option("--max-line-bytes", flags->max_line_bytes, "Longest line")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40));
  verb->footer(
      "Texts are normalised (v1) first. Verdicts go to stdout, counts to stderr.\n\n"
      "Example:\n  reprise data filter --preset gopher-paper --explain tests/data/small.jsonl");
  verb->callback([flags] { filter(*flags); });
}

}  // namespace reprise::app
