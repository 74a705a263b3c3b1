#include "corpus_dedup.h"

#include <algorithm>
#include <system_error>
#include <thread>

#include "min_hash_index.h"
#include "paragraph_index.h"
#include "reprise/core/files.h"
#include "reprise/core/thread_pool.h"
#include "reprise/data_pipeline/deduplication.h"
#include "reprise/data_pipeline/selection.h"

namespace reprise::data {
namespace {

constexpr std::uint64_t kIndexMemory = 512ull << 20;

/// A folder that is removed with what it holds.
class ScratchFolder {
 public:
  explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
    make_folders(path_);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::vector<Candidate*> undropped(std::vector<Candidate>& candidates) {
  std::vector<Candidate*> result;
  for (Candidate& candidate : candidates) {
    if (!candidate.drop) result.push_back(&candidate);
  }
  return result;
}

void remove_paragraphs(const configs::ParagraphDedup& config, const std::filesystem::path& scratch,
                       std::vector<Candidate>& candidates) {
  const ScratchFolder folder(scratch);
  ParagraphIndex index(config.min_words(), folder.path(), kIndexMemory);
  const std::vector<Candidate*> kept = undropped(candidates);
  for (const Candidate* candidate : kept) {
    index.add(sha256(std::string_view(candidate->document.text)), candidate->document.text);
  }
  index.finish();
  for (Candidate* candidate : kept) {
    std::string rest = candidate->document.text;
    const std::uint64_t removed = index.remove_duplicates(rest);
    if (removed == 0) continue;
    if (rest.empty()) {
      candidate->drop = Drop{"duplicate_paragraphs", static_cast<double>(removed), 1};
      continue;
    }
    const auto num_lines = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
    const std::string& text = candidate->document.text;
    Edit& edit = candidate->edits["duplicate_paragraphs"];
    edit.num_lines += static_cast<std::uint64_t>(num_lines(text) - num_lines(rest));
    edit.num_bytes += text.size() - rest.size();
    candidate->document.text = std::move(rest);
  }
}

void drop_copies(std::vector<Candidate>& candidates) {
  std::vector<Candidate*> kept;
  std::vector<const Document*> documents;
  for (Candidate& candidate : candidates) {
    if (candidate.drop) continue;
    kept.push_back(&candidate);
    documents.push_back(&candidate.document);
  }
  const std::vector<std::optional<std::size_t>> survivors = find_duplicates(documents);
  std::vector<std::uint64_t> copies(kept.size(), 1);
  for (const auto& survivor : survivors) {
    if (survivor) ++copies[*survivor];
  }
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (!survivors[i]) continue;
    kept[i]->drop = Drop{"exact_duplicate", static_cast<double>(copies[*survivors[i]]), 1};
    kept[i]->survivor = documents[*survivors[i]]->id;
  }
}

void drop_near_duplicates(const configs::MinHashDedup& config, const std::filesystem::path& scratch, int num_threads,
                          std::vector<Candidate>& candidates) {
  const ScratchFolder folder(scratch);
  const MinHashSetting setting = minhash_setting(config);
  const MinHasher hasher(setting);
  const std::vector<Candidate*> kept = undropped(candidates);
  std::vector<std::vector<std::uint32_t>> signatures(kept.size());
  std::vector<Digest> digests(kept.size());
  const int available = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  ThreadPool pool(num_threads > 0 ? num_threads : available);
  pool.parallel_for(static_cast<std::int64_t>(kept.size()), [&](std::int64_t i) {
    const auto k = static_cast<std::size_t>(i);
    signatures[k] = hasher.signature(kept[k]->document.text);
    digests[k] = sha256(std::string_view(kept[k]->document.text));
  });
  MinHashIndex index(hasher, folder.path(), kIndexMemory);
  for (std::size_t i = 0; i < kept.size(); ++i) index.add(kept[i]->document.id, digests[i], signatures[i]);
  index.finish();
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const auto duplicate = index.duplicate(i);
    if (!duplicate) continue;
    kept[i]->drop = near_duplicate_drop(setting, duplicate->similarity);
    kept[i]->survivor = duplicate->survivor;
  }
}

}  // namespace

void deduplicate_corpus(const configs::DataRecipe& recipe, const std::filesystem::path& scratch, int num_threads,
                        std::vector<Candidate>& candidates) {
  if (recipe.has_paragraph_dedup()) remove_paragraphs(recipe.paragraph_dedup(), scratch, candidates);
  if (recipe.exact_dedup()) drop_copies(candidates);
  if (recipe.has_minhash_dedup()) drop_near_duplicates(recipe.minhash_dedup(), scratch, num_threads, candidates);
}

}  // namespace reprise::data
