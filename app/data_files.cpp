// reprise data dedup|decontaminate: passes over files of documents that may be larger than memory

#include <fmt/core.h>

#include <map>
#include <memory>

#include "data_verbs.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/folder_lock.h"
#include "reprise/core/print_note.h"
#include "reprise/data_pipeline/decontamination.h"
#include "reprise/data_pipeline/deduplication.h"
#include "reprise/data_pipeline/inputs.h"
#include "reprise/logs/progress_bar.h"
#include "run_flags.h"

namespace reprise::app {
namespace {

struct FileFlags {
  std::vector<std::string> files;
  std::string out;
  int threads = 0;
  std::uint64_t memory = 1024;
  std::uint64_t max_line_bytes = 32 << 20;
  std::vector<std::string> skip;
  bool json = false;
  bool quiet = false;
};

struct DedupFlags {
  FileFlags files;
  std::string method = "minhash";
  data::MinHashSetting minhash;
  std::uint32_t min_words = 10;
};

struct DecontaminateFlags {
  FileFlags files;
  std::vector<std::string> against;
  std::uint32_t ngram = 13;
  std::uint32_t min_matches = 1;
  bool tag = false;
};

void add_file_options(CLI::App& verb, FileFlags& flags) {
  verb.add_option("FILE", flags.files, "Dolma JSON lines or plain texts, .gz or .zst too; globs; @FILE: a list")
      ->required();
  verb.add_option("--out", flags.out, "Folder for kept.jsonl.zst, dropped.jsonl.zst and report.json")->required();
  add_threads_flag(verb, flags.threads, "Threads; 0 takes one per core. The result is the same for any number", 0)
      ->capture_default_str();
  verb.add_option("--memory", flags.memory, "MiB for sorting; what does not fit is sorted in OUT/.scratch")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{16}, std::uint64_t{1} << 24));
  verb.add_option("--max-line-bytes", flags.max_line_bytes, "Longest line, or text file")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40));
  verb.add_option("--skip", flags.skip, "Leave out and count what this fault spoils, such as invalid_json (repeatable)")
      ->take_all()
      ->allow_extra_args(false);
  verb.add_flag("--json", flags.json, "Print the report as JSON on stdout");
  add_quiet_flag(verb, flags.quiet);
}

data::FilePassOptions pass_options(const FileFlags& flags) {
  data::FilePassOptions options;
  options.output_dir = flags.out;
  options.num_threads = flags.threads;
  options.memory_bytes = flags.memory << 20;
  options.max_line_bytes = flags.max_line_bytes;
  for (const std::string& fault : flags.skip) options.policy.skip(fault);
  return options;
}

/// Two passes that write to one folder would mix their pieces.
FolderLock lock_output(const FileFlags& flags) {
  make_folders(flags.out);
  return FolderLock(flags.out);
}

void print_result(const data::FilePassResult& result, const FileFlags& flags) {
  if (flags.json) {
    fmt::print("{}", read_file(std::filesystem::path(flags.out) / "report.json"));
    return;
  }
  fmt::print("{:<8} {:>10} documents {:>14} bytes\n", "read", result.num_read, result.read_bytes);
  fmt::print("{:<8} {:>10} documents {:>14} bytes  {}\n", "kept", result.num_kept, result.kept_bytes,
             result.kept.hex());
  fmt::print("{:<8} {:>10} documents {:>14} bytes  {}\n", "dropped", result.num_dropped, result.dropped_bytes,
             result.dropped.hex());
  if (result.num_edited > 0) fmt::print("{:<8} {:>10} documents\n", "edited", result.num_edited);
  for (const auto& [fault, count] : result.skipped) {
    print_note("warning: passed over {} time(s): {}\n", count, fault);
  }
}

void dedup(const DedupFlags& flags) {
  static const std::map<std::string, data::DedupMethod> kMethods = {{"minhash", data::DedupMethod::kMinHash},
                                                                    {"exact", data::DedupMethod::kExact},
                                                                    {"paragraph", data::DedupMethod::kParagraph}};
  data::DedupOptions options;
  options.method = kMethods.at(flags.method);
  options.minhash = flags.minhash;
  options.min_paragraph_words = flags.min_words;
  options.files = pass_options(flags.files);
  const auto files = data::expand_inputs(flags.files.files);
  const FolderLock lock = lock_output(flags.files);
  const auto progress = logs::make_progress(flags.files.quiet);
  print_result(data::deduplicate_files(files, options, *progress), flags.files);
}

void decontaminate(const DecontaminateFlags& flags) {
  data::DecontaminationOptions options;
  options.ngram = flags.ngram;
  options.min_matches = flags.min_matches;
  options.tag = flags.tag;
  options.files = pass_options(flags.files);
  const auto against = data::expand_inputs(flags.against), files = data::expand_inputs(flags.files.files);
  const FolderLock lock = lock_output(flags.files);
  const auto progress = logs::make_progress(flags.files.quiet);
  const data::DecontaminationResult result = data::decontaminate_files(against, files, options, *progress);
  print_result(result.pass, flags.files);
  if (flags.files.json) return;
  fmt::print("{:<8} {:>10} documents\n{:<8} {:>10} examples of {}, {} too short to look for\n", "overlap",
             result.num_contaminated, "found", result.num_found, result.num_examples, result.num_too_short);
  print_note("per task and example: {}/contamination.json\n", flags.files.out);
}

}  // namespace

void add_dedup_verb(CLI::App& data) {
  const auto flags = std::make_shared<DedupFlags>();
  CLI::App* verb = data.add_subcommand("dedup", "Drop duplicate documents or paragraphs of files of any size");
  add_file_options(*verb, flags->files);
  verb->add_option("--method", flags->method,
                   "minhash: near-duplicates; exact: the same text; paragraph: the same paragraph")
      ->capture_default_str()
      ->check(CLI::IsMember({"minhash", "exact", "paragraph"}));
  const CLI::Range positive(std::uint32_t{1}, std::uint32_t{4096});
  verb->add_option("--ngram", flags->minhash.ngram, "minhash: words per shingle")
      ->capture_default_str()
      ->check(positive);
  verb->add_option("--buckets", flags->minhash.buckets, "minhash: buckets")->capture_default_str()->check(positive);
  verb->add_option("--hashes", flags->minhash.hashes_per_bucket, "minhash: hashes per bucket")
      ->capture_default_str()
      ->check(positive);
  verb->add_option("--seed", flags->minhash.seed, "minhash: seed of the hash functions")->capture_default_str();
  verb->add_option("--min-words", flags->min_words, "paragraph: shorter paragraphs always stay")->capture_default_str();
  verb->footer(
      "The result is the same for any order of files and documents, number of threads and memory\n"
      "(docs/reference/deduplication.md).\n\n"
      "Example:\n  reprise data dedup --method minhash 'news/*.jsonl.gz' --out news-unique");
  verb->callback([flags] { dedup(*flags); });
}

void add_decontaminate_verb(CLI::App& data) {
  const auto flags = std::make_shared<DecontaminateFlags>();
  CLI::App* verb = data.add_subcommand("decontaminate", "Find and drop documents that share text with evaluation sets");
  add_file_options(*verb, flags->files);
  verb->add_option("--against", flags->against, "Evaluation file or glob: .jsonl, .json, .csv, .txt (repeatable)")
      ->required()
      ->take_all()
      ->allow_extra_args(false);
  verb->add_option("--ngram", flags->ngram, "Words per n-gram")
      ->capture_default_str()
      ->check(CLI::Range(std::uint32_t{1}, std::uint32_t{100}));
  verb->add_option("--min-matches", flags->min_matches, "Contaminated from this many different n-grams on")
      ->capture_default_str()
      ->check(CLI::Range(std::uint32_t{1}, ~std::uint32_t{0}));
  verb->add_flag("--tag", flags->tag, "Keep contaminated documents and say so in their lines");
  verb->footer(
      "Example:\n  reprise data decontaminate --against 'eval/*/*.jsonl.zst' 'news/*.jsonl.gz' --out news-clean");
  verb->callback([flags] { decontaminate(*flags); });
}

}  // namespace reprise::app
