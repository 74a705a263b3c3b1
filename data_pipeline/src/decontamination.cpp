#include "reprise/data_pipeline/decontamination.h"

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>

#include "eval_examples.h"
#include "folded_words.h"
#include "reprise/core/error.h"

namespace reprise::data {
namespace {

constexpr std::size_t kFirstIds = 10;             // documents that the report names per example
constexpr std::uint64_t kFilterBitsPerNgram = 8;  // one hash: at most one look-up in eight is in vain

}  // namespace

Digest EvalIndex::add_file(const std::filesystem::path& path, const std::filesystem::path& name) {
  const std::string task = free_task_name(name.empty() ? path : name);
  return for_each_example(
      path, [&](std::uint64_t number, std::span<const std::string_view> texts) { add_example(task, number, texts); });
}

/// Two files are two tasks, or an example's number would name one of each.
std::string EvalIndex::free_task_name(const std::filesystem::path& path) {
  std::string name = task_name(path);
  if (tasks_.insert(name).second) return name;
  const std::string folder = path.parent_path().filename().string();
  if (!folder.empty() && !name.starts_with(folder + "/")) name.insert(0, folder + "/");
  std::string numbered = name;
  for (int number = 2; !tasks_.insert(numbered).second; ++number) numbered = fmt::format("{}-{}", name, number);
  return numbered;
}

void EvalIndex::add_example(const std::string& task, std::uint64_t number, std::span<const std::string_view> texts) {
  const auto example = static_cast<std::uint32_t>(examples_.size());
  examples_.push_back({task, number});
  std::vector<std::uint64_t> words;
  std::vector<std::uint64_t> hashes;
  bool too_short = true;
  for (const std::string_view text : texts) {
    hash_words(text, words);
    hash_ngrams(words, ngram_, hashes);
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      ngrams_.push_back({hashes[i], second_ngram_hash(std::span(words).subspan(i, ngram_)), example});
    }
    too_short = too_short && hashes.empty();
  }
  too_short_.push_back(too_short);
}

void EvalIndex::finish() {
  std::sort(ngrams_.begin(), ngrams_.end());
  ngrams_.erase(std::unique(ngrams_.begin(), ngrams_.end()), ngrams_.end());
  const std::uint64_t num_bits = std::bit_ceil(std::max<std::uint64_t>(64, kFilterBitsPerNgram * ngrams_.size()));
  filter_.assign(num_bits / 64, 0);
  for (const Ngram& ngram : ngrams_) filter_[ngram.hash % num_bits / 64] |= 1ull << ngram.hash % 64;
}

bool EvalIndex::may_hold(std::uint64_t hash) const {
  return (filter_[hash % (64 * filter_.size()) / 64] >> hash % 64 & 1) != 0;
}

std::string EvalIndex::name(std::uint32_t example) const {
  return fmt::format("{}:{}", examples_[example].task, examples_[example].number);
}

Overlap EvalIndex::overlap(std::string_view text) const {
  thread_local std::vector<std::uint64_t> words;
  thread_local std::vector<std::uint64_t> hashes;
  hash_words(text, words);
  hash_ngrams(words, ngram_, hashes);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> found;
  Overlap overlap;
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    if (!may_hold(hashes[i])) continue;
    const Ngram wanted{hashes[i], second_ngram_hash(std::span(words).subspan(i, ngram_)), 0};
    auto ngram = std::lower_bound(ngrams_.begin(), ngrams_.end(), wanted);
    const auto is_wanted = [&] {
      return ngram != ngrams_.end() && ngram->hash == wanted.hash && ngram->check == wanted.check;
    };
    if (is_wanted()) found.emplace_back(wanted.hash, wanted.check);
    for (; is_wanted(); ++ngram) overlap.examples.push_back(ngram->example);
  }
  std::sort(found.begin(), found.end());
  overlap.num_ngrams = static_cast<std::uint64_t>(std::unique(found.begin(), found.end()) - found.begin());
  std::sort(overlap.examples.begin(), overlap.examples.end());
  overlap.examples.erase(std::unique(overlap.examples.begin(), overlap.examples.end()), overlap.examples.end());
  return overlap;
}

ContaminationReport::ContaminationReport(const EvalIndex& index) : index_(index) {}

void ContaminationReport::add(const std::string& id, const Overlap& overlap) {
  documents_.emplace_back(id, overlap.num_ngrams);
  for (const std::uint32_t example : overlap.examples) {
    Found& found = found_[example];
    ++found.num_documents;
    if (found.first_ids.size() < kFirstIds) found.first_ids.push_back(id);
  }
}

std::string ContaminationReport::json() const {
  using nlohmann::json;
  struct Task {
    std::uint64_t num_examples = 0, num_too_short = 0, num_found = 0;
  };
  std::map<std::string, Task> tasks;
  json examples = json::array();
  for (std::uint32_t i = 0; i < index_.examples().size(); ++i) {
    Task& task = tasks[index_.examples()[i].task];
    ++task.num_examples;
    if (index_.is_too_short(i)) ++task.num_too_short;
    const auto found = found_.find(i);
    if (found == found_.end()) continue;
    ++task.num_found;
    examples.push_back({{"task", index_.examples()[i].task},
                        {"example", index_.examples()[i].number},
                        {"documents", found->second.num_documents},
                        {"first_ids", found->second.first_ids}});
  }
  json root = {{"format", "reprise.contamination.v1"},
               {"ngram", index_.ngram()},
               {"tasks", json::object()},
               {"examples", examples},
               {"documents", json::array()}};
  for (const auto& [name, task] : tasks) {
    root["tasks"][name] = {
        {"examples", task.num_examples}, {"too_short", task.num_too_short}, {"found", task.num_found}};
  }
  for (const auto& [id, ngrams] : documents_) root["documents"].push_back({{"id", id}, {"ngrams", ngrams}});
  return root.dump(1) + "\n";
}

Drop contamination_drop(const Overlap& overlap, std::uint32_t min_matches) {
  return {"eval_contamination", static_cast<double>(overlap.num_ngrams), static_cast<double>(min_matches)};
}

}  // namespace reprise::data
