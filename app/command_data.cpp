// reprise data build|report|dropped (filter: command_data_filter.cpp)

#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "data_verbs.h"
#include "json_text.h"
#include "launch.h"
#include "reprise/audit/reproduce.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/print_note.h"
#include "reprise/core/printable.h"
#include "reprise/core/shell_line.h"
#include "reprise/core/stop.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/document_file.h"
#include "reprise/data_pipeline/report.h"
#include "reprise/dist/communicator.h"
#include "reprise/logs/progress_bar.h"
#include "run_flags.h"

namespace reprise::app {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kExcerptBytes = 200;

struct BuildFlags {
  std::string config;
  std::vector<std::string> overrides;
  std::string out;
  int ranks = 0;
  int threads = 0;
  std::string tokenizer;
  bool accept_changed_corpus = false;
  bool json = false;
  bool quiet = false;
};

struct ReportFlags {
  std::string run;
  bool json = false;
};

struct DroppedFlags {
  std::string run;
  std::string rule;
  std::uint64_t limit = 20;
  bool json = false;
};

ordered_json to_json(const data::CorpusResult& result) {
  return {{"corpus", result.corpus.hex()},
          {"train", {{"documents", result.num_kept}, {"bytes", result.kept_bytes}, {"digest", result.kept.hex()}}},
          {"held_out",
           {{"documents", result.num_held_out}, {"bytes", result.held_out_bytes}, {"digest", result.held_out.hex()}}},
          {"dropped",
           {{"documents", result.num_dropped}, {"bytes", result.dropped_bytes}, {"digest", result.dropped.hex()}}},
          {"report", result.report.hex()},
          {"mismatched_files", result.mismatched_files}};
}

void print_result(const data::CorpusResult& result, const std::filesystem::path& run) {
  const auto line = [](const char* name, std::uint64_t documents, std::uint64_t bytes, const Digest& digest) {
    fmt::print("{:<9} {:>8} documents {:>12} bytes  {}\n", name, documents, bytes, digest.hex());
  };
  line("train", result.num_kept, result.kept_bytes, result.kept);
  line("held out", result.num_held_out, result.held_out_bytes, result.held_out);
  line("dropped", result.num_dropped, result.dropped_bytes, result.dropped);
  print_note("see `reprise data report {0}` and `reprise data dropped {0}`\n", shell_line({run.string()}));
}

configs::RunConfig load(const BuildFlags& flags) {
  configs::RunConfig config = configs::load_config(flags.config, flags.overrides);
  if (!flags.out.empty()) config.mutable_runtime()->set_output_dir(flags.out);
  if (flags.ranks > 0) config.mutable_runtime()->set_num_ranks(static_cast<std::uint32_t>(flags.ranks));
  if (flags.threads > 0) config.mutable_runtime()->set_num_threads(static_cast<std::uint32_t>(flags.threads));
  return config;
}

data::BuildOptions options_of(const configs::RunConfig& config, const BuildFlags& flags,
                              dist::Communicator& communicator) {
  data::BuildOptions options;
  options.corpus_dir = config.runtime().corpus_dir();
  options.output_dir = configs::output_folder(config);
  options.accept_changed_corpus = flags.accept_changed_corpus;
  options.num_threads = threads_per_rank(config, communicator.size());
  options.tokenizer = flags.tokenizer;
  options.team = {communicator.rank(), communicator.size(), [&communicator] { communicator.barrier(); }};
  return options;
}

/// Builds in this process: the only rank, or one of those that mpirun started.
void build_here(const BuildFlags& flags, const configs::RunConfig& config) {
  const auto communicator = dist::make_communicator();
  end_on_stop_signals();  // finished pieces are whole, and the next build takes them
  try {
    check_ranks(flags.ranks, *communicator);
    const bool is_first = communicator->rank() == 0;
    const auto progress = logs::make_progress(flags.quiet || !is_first);
    const auto say = [&](const std::string& line) {
      if (is_first) print_note("{}\n", line);
    };
    const data::BuildOptions options = options_of(config, flags, *communicator);
    const audit::PreparedData prepared = audit::prepare_data(config, options, say, *progress);
    if (!is_first) return;
    data::CorpusResult result = data::read_corpus_result(options.output_dir);
    result.mismatched_files = prepared.mismatched_files;  // those of the lists and labels too, which no report names
    if (flags.json) {
      fmt::print("{}\n", json_text(to_json(result)));
    } else {
      print_result(result, options.output_dir);
    }
  } catch (const std::exception&) {
    let_first_rank_speak(*communicator);
    throw;
  }
}

void build(const BuildFlags& flags, Context& context) {
  const configs::RunConfig config = load(flags);
  if (config.runtime().num_ranks() > 1 && !dist::launched_by_mpi()) {
    context.status = run_ranks(static_cast<int>(config.runtime().num_ranks()), context.command_line);
  } else {
    build_here(flags, config);
  }
}

void report(const ReportFlags& flags) {
  const data::Report report = data::read_report(flags.run);
  fmt::print("{}", flags.json ? data::report_json(report) : data::report_tables(report));
}

/// A rule is asked for by its whole name, or by the part before the dot: "gopher_top_ngrams".
bool matches(const std::string& rule, const std::string& wanted) {
  return wanted.empty() || rule == wanted || rule.substr(0, rule.find('.')) == wanted;
}

/// The beginning of a text on one line, cut between characters.
std::string excerpt(const std::string& text) {
  std::size_t length = std::min(text.size(), kExcerptBytes);
  while (length < text.size() && length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
  std::string line = text.substr(0, length);
  for (char& c : line) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return length < text.size() ? line + "..." : line;
}

void print_dropped(const data::DroppedDocument& dropped, bool as_json) {
  const data::Document& document = dropped.document;
  if (as_json) {
    const ordered_json object = {{"id", document.id},
                                 {"source", document.source},
                                 {"kind", document.kind},
                                 {"lang", document.language},
                                 {"file", document.source_file},
                                 {"line", document.source_line},
                                 {"rule", dropped.drop.rule},
                                 {"value", dropped.drop.value},
                                 {"threshold", dropped.drop.threshold},
                                 {"survivor", dropped.survivor},
                                 {"text", document.text}};
    fmt::print("{}\n", json_text(object, -1));
    return;
  }
  fmt::print("{}  {}: {:.6g}, threshold {:g}{}\n  {} {} {}:{}, {} bytes\n  {}\n", printable(document.id),
             printable(dropped.drop.rule), dropped.drop.value, dropped.drop.threshold,
             dropped.survivor.empty() ? "" : ", survivor " + printable(dropped.survivor), printable(document.source),
             printable(document.language), printable(document.source_file), document.source_line, document.text.size(),
             printable(excerpt(document.text)));
}

void dropped(const DroppedFlags& flags) {
  std::uint64_t shown = 0;
  std::uint64_t found = 0;
  data::for_each_dropped(data::dropped_path(flags.run), [&](const data::DroppedDocument& document) {
    if (!matches(document.drop.rule, flags.rule)) return;
    ++found;
    if (flags.limit > 0 && shown >= flags.limit) return;
    ++shown;
    print_dropped(document, flags.json);
  });
  print_note("{} of {} dropped documents shown{}\n", shown, found, shown < found ? "; --limit 0 shows all" : "");
}

void add_build(CLI::App& data, Context& context) {
  const auto flags = std::make_shared<BuildFlags>();
  CLI::App* verb = data.add_subcommand("build", "Read, filter, deduplicate and split the corpus of a config");
  verb->add_option("CONFIG", flags->config, "Run config, such as configs/runs/tiny.pbtxt")->required();
  add_set_flag(*verb, flags->overrides, "data.held_out_fraction=0.1");
  verb->add_option("--out", flags->out, "Folder of the run (default runs/NAME)");
  add_ranks_flag(*verb, flags->ranks);
  add_threads_flag(*verb, flags->threads, "Threads per process (default: the cores, shared by the ranks)");
  verb->add_option("--tokenizer", flags->tokenizer,
                   "Encode by this tokenizer.json instead of training one: for runs that go on from another run")
      ->check(CLI::ExistingFile);
  verb->add_flag("--accept-changed-corpus", flags->accept_changed_corpus,
                 "Report input files that differ from the recipe instead of stopping");
  verb->add_flag("--json", flags->json, "Print counts and digests as JSON on stdout");
  add_quiet_flag(*verb, flags->quiet);
  verb->footer(
      "Writes RUN/data/{train,held_out,dropped}.jsonl.zst, RUN/data/report.json, RUN/tokenizer and RUN/shards: the "
      "same\n"
      "content for any number of ranks and threads. The same command goes on with a build that was stopped.\n\n"
      "Examples:\n"
      "  reprise data build configs/runs/tiny.pbtxt --out runs/tiny\n"
      "  reprise data build configs/runs/tiny.pbtxt --ranks 2 --threads 1");
  verb->callback([flags, &context] { build(*flags, context); });
}

void add_report(CLI::App& data) {
  const auto flags = std::make_shared<ReportFlags>();
  CLI::App* verb = data.add_subcommand("report", "Documents, bytes and tokens per source, language, kind and rule");
  verb->add_option("RUN", flags->run, "Run folder")->required();
  verb->add_flag("--json", flags->json, "Print the report as JSON on stdout");
  verb->footer("Example:\n  reprise data report runs/tiny --json | jq .by_rule");
  verb->callback([flags] { report(*flags); });
}

void add_dropped(CLI::App& data) {
  const auto flags = std::make_shared<DroppedFlags>();
  CLI::App* verb = data.add_subcommand("dropped", "Dropped documents, each with the rule that dropped it");
  verb->add_option("RUN", flags->run, "Run folder")->required();
  verb->add_option("--rule", flags->rule, "Only this rule, such as gopher_word_count or gopher_top_ngrams.2");
  verb->add_option("--limit", flags->limit, "Show at most this many; 0 shows all")->capture_default_str();
  verb->add_flag("--json", flags->json, "Print one JSON object per line, with the whole text");
  verb->footer("Example:\n  reprise data dropped runs/tiny --rule c4_min_sentences --limit 5");
  verb->callback([flags] { dropped(*flags); });
}

}  // namespace

void add_data_command(CLI::App& app, Context& context) {
  CLI::App* verb = app.add_subcommand("data", "Build the documents of a run; see what was kept and dropped, and why");
  verb->require_subcommand(1);
  verb->footer("Example:\n  reprise data build configs/runs/tiny.pbtxt --out runs/tiny");
  add_assemble_verb(*verb);
  add_build(*verb, context);
  add_report(*verb);
  add_dropped(*verb);
  add_dedup_verb(*verb);
  add_decontaminate_verb(*verb);
  add_reading_order_verbs(*verb);
  add_label_verb(*verb);
  add_recount_verb(*verb, context);
  add_data_filter_command(*verb);
  add_card_verb(*verb);
}

}  // namespace reprise::app
