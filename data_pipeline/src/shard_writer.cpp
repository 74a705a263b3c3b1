// Documents to shards: encoding on several threads, columns and files on the calling one.

#include <algorithm>
#include <filesystem>

#include "reprise/core/thread_pool.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/shards.h"
#include "shard_set_writer.h"

namespace reprise::data {
namespace {

/// Documents gathered before the threads encode them.
constexpr std::size_t kBatchBytes = std::size_t{8} << 20;

}  // namespace

ShardResult write_shards(const std::filesystem::path& documents, const Tokenizer& tokenizer,
                         const std::filesystem::path& folder, const std::string& stem, int num_threads,
                         ProgressSink& progress, std::uint64_t max_tokens_per_shard) {
  ShardSetWriter writer(tokenizer, folder, stem, max_tokens_per_shard);
  ThreadPool pool(std::max(1, num_threads));
  std::vector<Document> batch;
  std::size_t batch_bytes = 0;
  std::int64_t num_done = 0;
  const auto encode_batch = [&] {
    std::vector<std::vector<TokenId>> ids(batch.size());
    pool.parallel_for(static_cast<std::int64_t>(batch.size()), [&](std::int64_t k) {
      ids[static_cast<std::size_t>(k)] = tokenizer.encode(batch[static_cast<std::size_t>(k)].text);
    });
    for (std::size_t k = 0; k < batch.size(); ++k) writer.add(batch[k], ids[k]);
    num_done += static_cast<std::int64_t>(batch.size());
    progress.update(num_done);
    batch.clear();
    batch_bytes = 0;
  };
  progress.begin("shards: " + stem, 0, "documents");
  for_each_document(documents, [&](const Document& document) {
    batch.push_back(document);
    batch_bytes += document.text.size();
    if (batch_bytes >= kBatchBytes) encode_batch();
  });
  encode_batch();
  ShardResult result = writer.finish();
  progress.end();
  return result;
}

}  // namespace reprise::data
