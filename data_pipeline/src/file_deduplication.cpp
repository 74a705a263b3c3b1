// Deduplication of files that may be larger than memory.

#include <filesystem>
#include <nlohmann/json.hpp>

#include "copy_index.h"
#include "file_pass.h"
#include "min_hash_index.h"
#include "paragraph_index.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/deduplication.h"

namespace reprise::data {
namespace {

constexpr double kDocumentShare = 0.5;  // of the memory; the rest sorts hashes

std::uint64_t index_memory(const DedupOptions& options) {
  return static_cast<std::uint64_t>((1 - kDocumentShare) * static_cast<double>(options.files.memory_bytes));
}

FilePassResult drop_near_duplicates(FilePass& pass, const DedupOptions& options) {
  const MinHasher hasher(options.minhash);
  MinHashIndex index(hasher, pass.scratch(), index_memory(options));
  pass.for_each_batch("sign", [&](std::vector<SortedDocument>& batch) {
    std::vector<std::vector<std::uint32_t>> signatures(batch.size());
    pass.pool().parallel_for(static_cast<std::int64_t>(batch.size()), [&](std::int64_t i) {
      const auto k = static_cast<std::size_t>(i);
      signatures[k] = hasher.signature(batch[k].document.text);
    });
    for (std::size_t i = 0; i < batch.size(); ++i) index.add(batch[i].document.id, batch[i].text, signatures[i]);
  });
  index.finish();
  std::uint64_t position = 0;
  return pass.write([&](SortedDocument&) {
    PassVerdict verdict;
    if (const auto duplicate = index.duplicate(position++)) {
      verdict.drop = near_duplicate_drop(options.minhash, duplicate->similarity);
      verdict.survivor = duplicate->survivor;
    }
    return verdict;
  });
}

FilePassResult drop_copies(FilePass& pass, const DedupOptions& options) {
  CopyIndex index(pass.scratch(), index_memory(options));
  pass.for_each_batch("hash", [&](std::vector<SortedDocument>& batch) {
    for (const SortedDocument& sorted : batch) index.add(sorted.text, sorted.document.id);
  });
  index.finish();
  return pass.write([&](SortedDocument& sorted) {
    PassVerdict verdict;
    if (const auto copy = index.copy(sorted.document.id)) {
      verdict.drop = copy_drop(*copy);
      verdict.survivor = copy->survivor;
    }
    return verdict;
  });
}

FilePassResult drop_paragraphs(FilePass& pass, const DedupOptions& options) {
  ParagraphIndex index(options.min_paragraph_words, pass.scratch(), index_memory(options));
  pass.for_each_batch("hash", [&](std::vector<SortedDocument>& batch) {
    for (const SortedDocument& sorted : batch) index.add(sorted.text, sorted.document.text);
  });
  index.finish();
  return pass.write([&](SortedDocument& sorted) {
    PassVerdict verdict;
    std::string rest = sorted.document.text;
    const std::uint64_t removed = index.remove_duplicates(rest);
    if (removed == 0) return verdict;
    if (rest.empty()) {
      verdict.drop = Drop{"duplicate_paragraphs", static_cast<double>(removed), 1};
    } else {
      verdict.edited = true;
      sorted.document.text = std::move(rest);
    }
    return verdict;
  });
}

std::string setting_json(const DedupOptions& options) {
  nlohmann::ordered_json setting;
  switch (options.method) {
    case DedupMethod::kMinHash:
      setting = {{"method", "minhash"},
                 {"ngram", options.minhash.ngram},
                 {"buckets", options.minhash.buckets},
                 {"hashes_per_bucket", options.minhash.hashes_per_bucket},
                 {"seed", options.minhash.seed}};
      break;
    case DedupMethod::kExact:
      setting = {{"method", "exact"}};
      break;
    case DedupMethod::kParagraph:
      setting = {{"method", "paragraph"}, {"min_words", options.min_paragraph_words}};
      break;
  }
  return setting.dump();
}

FilePassResult run_method(FilePass& pass, const DedupOptions& options) {
  switch (options.method) {
    case DedupMethod::kMinHash:
      return drop_near_duplicates(pass, options);
    case DedupMethod::kExact:
      return drop_copies(pass, options);
    case DedupMethod::kParagraph:
      break;
  }
  return drop_paragraphs(pass, options);
}

}  // namespace

MinHashSetting minhash_setting(const configs::MinHashDedup& config) {
  return {config.ngram(), config.buckets(), config.hashes_per_bucket(), config.seed()};
}

Drop near_duplicate_drop(const MinHashSetting& setting, double similarity) {
  return {"minhash_duplicate", similarity, 1.0 / setting.buckets};
}

FilePassResult deduplicate_files(std::span<const std::string> files, const DedupOptions& options,
                                 ProgressSink& progress) {
  make_folders(options.files.output_dir);
  FilePass pass(files, options.files, kDocumentShare, progress);
  const FilePassResult result = run_method(pass, options);
  write_pass_report(options.files.output_dir, setting_json(options), result);
  return result;
}

}  // namespace reprise::data
