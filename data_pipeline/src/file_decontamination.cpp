// Decontamination of files that may be larger than memory.

#include <nlohmann/json.hpp>

#include "file_pass.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/decontamination.h"

namespace reprise::data {
namespace {

/// Contaminated documents by id; everything else is not remembered.
using Overlaps = std::map<std::string, Overlap>;

Overlaps find_overlaps(FilePass& pass, const EvalIndex& index, std::uint32_t min_matches) {
  Overlaps overlaps;
  pass.for_each_batch("compare", [&](std::vector<SortedDocument>& batch) {
    std::vector<Overlap> found(batch.size());
    pass.pool().parallel_for(static_cast<std::int64_t>(batch.size()), [&](std::int64_t i) {
      const auto k = static_cast<std::size_t>(i);
      found[k] = index.overlap(batch[k].document.text);
    });
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (found[i].num_ngrams >= min_matches) overlaps.emplace(batch[i].document.id, std::move(found[i]));
    }
  });
  return overlaps;
}

std::string tag_of(const EvalIndex& index, const Overlap& overlap) {
  nlohmann::ordered_json tag = {{"ngrams", overlap.num_ngrams}, {"examples", nlohmann::ordered_json::array()}};
  for (const std::uint32_t example : overlap.examples) tag["examples"].push_back(index.name(example));
  return "\"contamination\":" + tag.dump();
}

std::string setting_json(std::span<const std::string> against, std::span<const Digest> digests,
                         const DecontaminationOptions& options) {
  nlohmann::ordered_json setting = {{"method", "decontaminate"},
                                    {"ngram", options.ngram},
                                    {"min_matches", options.min_matches},
                                    {"action", options.tag ? "tag" : "drop"},
                                    {"against", nlohmann::ordered_json::array()}};
  for (std::size_t i = 0; i < against.size(); ++i) {
    setting["against"].push_back({{"file", against[i]}, {"sha256", digests[i].hex()}});
  }
  return setting.dump();
}

void count_examples(const EvalIndex& index, const Overlaps& overlaps, DecontaminationResult& result) {
  result.num_examples = index.examples().size();
  std::vector<bool> found(index.examples().size(), false);
  for (const auto& [id, overlap] : overlaps) {
    for (const std::uint32_t example : overlap.examples) found[example] = true;
  }
  for (std::uint32_t i = 0; i < index.examples().size(); ++i) {
    if (index.is_too_short(i)) ++result.num_too_short;
    if (found[i]) ++result.num_found;
  }
}

}  // namespace

DecontaminationResult decontaminate_files(std::span<const std::string> against, std::span<const std::string> files,
                                          const DecontaminationOptions& options, ProgressSink& progress) {
  REPRISE_REQUIRE(!against.empty(), ErrorKind::kUsage, "no evaluation file to compare with",
                  "name one: --against FILE");
  make_folders(options.files.output_dir);
  EvalIndex index(options.ngram);
  std::vector<Digest> digests;
  for (const std::string& path : against) digests.push_back(index.add_file(path));
  index.finish();
  FilePass pass(files, options.files, 1.0, progress);
  const Overlaps overlaps = find_overlaps(pass, index, options.min_matches);
  ContaminationReport report(index);
  DecontaminationResult result;
  result.pass = pass.write([&](SortedDocument& sorted) {
    PassVerdict verdict;
    // That of an earlier pass, which may have looked for other examples.
    remove_member(sorted.document, "\"contamination\":");
    const auto found = overlaps.find(sorted.document.id);
    if (found == overlaps.end()) return verdict;
    report.add(sorted.document.id, found->second);
    if (options.tag) {
      verdict.tag = tag_of(index, found->second);
    } else {
      verdict.drop = contamination_drop(found->second, options.min_matches);
      verdict.survivor = index.name(found->second.examples.front());
    }
    return verdict;
  });
  result.num_contaminated = overlaps.size();
  count_examples(index, overlaps, result);
  write_file_atomically(options.files.output_dir / "contamination.json", report.json());
  write_pass_report(options.files.output_dir, setting_json(against, digests, options), result.pass);
  return result;
}

}  // namespace reprise::data
