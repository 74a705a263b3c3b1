#include "reprise/data_pipeline/token_build.h"

#include <functional>
#include <system_error>

#include "corpus_scratch.h"
#include "record_bytes.h"
#include "record_file.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/fault_point.h"
#include "reprise/core/files.h"
#include "reprise/core/thread_count.h"
#include "reprise/core/thread_pool.h"
#include "reprise/data_pipeline/document_file.h"
#include "reprise/data_pipeline/report.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "shard_set_writer.h"

namespace reprise::data {
namespace {

std::filesystem::path tokenizer_path(const std::filesystem::path& run) { return run / "tokenizer" / "tokenizer.json"; }

/// The lists of documents, each with the name of its pieces.
struct List {
  const char* name;
  std::filesystem::path path;
};
std::vector<List> lists_of(const std::filesystem::path& run) {
  return {{"train", train_path(run)}, {"held_out", held_out_path(run)}, {"dropped", dropped_path(run)}};
}

BuildScratch open_scratch(const configs::TokenizerRecipe& recipe, const BuildOptions& options) {
  std::string listing;
  for (const List& list : lists_of(options.output_dir)) {
    std::error_code ignored;
    const auto size = std::filesystem::file_size(list.path, ignored);
    const auto time = std::filesystem::last_write_time(list.path, ignored).time_since_epoch();
    listing += fmt::format("{}\t{}\t{}\n", list.name, size, time.count());
  }
  std::string key = configs::to_text(recipe) + fmt::format("pieces of {}", options.piece_bytes);
  if (!options.tokenizer.empty()) key += "by " + Tokenizer::load(options.tokenizer).digest().hex();
  return BuildScratch(options.output_dir / "data" / ".tokens", build_key(key, listing), options.team);
}

/// Takes the tokenizer of another run, which the model of that run knows.
void take_tokenizer(const configs::TokenizerRecipe& recipe, const BuildOptions& options) {
  require_usable_tokenizer(recipe, options);
  make_folders(tokenizer_path(options.output_dir).parent_path());
  write_file_atomically(tokenizer_path(options.output_dir), read_file(options.tokenizer));
}

void train_and_save(const configs::TokenizerRecipe& recipe, const BuildOptions& options, ProgressSink& progress) {
  if (!options.tokenizer.empty()) return take_tokenizer(recipe, options);
  const auto texts = [&](const std::function<void(std::string_view)>& visit) {
    for_each_document(train_path(options.output_dir), [&](const Document& document) { visit(document.text); });
  };
  const Tokenizer tokenizer = train_tokenizer(recipe, texts, options.num_threads, progress);
  make_folders(tokenizer_path(options.output_dir).parent_path());
  write_file_atomically(tokenizer_path(options.output_dir), tokenizer.json());
}

/// Encodes this rank's share of one list, in batches of consecutive documents: each becomes a piece of ids.
class ListEncoder {
 public:
  ListEncoder(const Tokenizer& tokenizer, const BuildScratch& scratch, const List& list, std::uint64_t batch_bytes,
              ThreadPool& pool)
      : tokenizer_(tokenizer), scratch_(scratch), list_(list), batch_bytes_(batch_bytes), pool_(pool) {
    scratch_.pieces(list_.name);
    decide();
  }

  void encode(ProgressSink& progress) {
    std::int64_t num_done = 0;
    progress.begin(fmt::format("encode {}", list_.name), 0, "documents");
    for_each_document(list_.path, [&](const Document& document) {
      num_bytes_ += document.text.size();
      ++num_documents_;
      if (is_wanted_) texts_.push_back(document.text);
      if (num_bytes_ < batch_bytes_) return;
      num_done += num_documents_;
      close();
      progress.update(num_done);
    });
    if (num_documents_ > 0) close();
    progress.end();
  }

 private:
  void decide() {
    std::error_code ignored;
    is_wanted_ =
        scratch_.team().owns(number_) && !std::filesystem::exists(scratch_.piece(list_.name, number_), ignored);
  }

  void close() {
    if (is_wanted_) write();
    texts_.clear();
    num_bytes_ = 0;
    num_documents_ = 0;
    ++number_;
    decide();
  }

  void write() {
    std::vector<std::string> records(texts_.size());
    pool_.parallel_for(static_cast<std::int64_t>(texts_.size()), [&](std::int64_t i) {
      const auto k = static_cast<std::size_t>(i);
      const std::vector<TokenId> ids = tokenizer_.encode(texts_[k]);
      records[k] = RecordBuilder().u32s(std::vector<std::uint32_t>(ids.begin(), ids.end())).bytes();
    });
    RecordFileCommit file(scratch_.piece(list_.name, number_));
    for (const std::string& record : records) file.writer().write("", record);
    file.commit();
    fault_point("data_encode");
  }

  const Tokenizer& tokenizer_;
  const BuildScratch& scratch_;
  List list_;
  std::uint64_t batch_bytes_;
  ThreadPool& pool_;
  std::vector<std::string> texts_;
  std::uint64_t num_bytes_ = 0;
  std::int64_t num_documents_ = 0;
  std::uint64_t number_ = 0;
  bool is_wanted_ = false;
};

/// Visits the ids of one list's documents in order.
class EncodedList {
 public:
  EncodedList(const BuildScratch& scratch, const char* name) : scratch_(scratch), name_(name) {}

  std::vector<TokenId> next() {
    while (reader_ == nullptr || !reader_->next()) {
      reader_ = std::make_unique<RecordReader>(scratch_.piece(name_, number_++));
    }
    const std::vector<std::uint32_t> ids = RecordParser(reader_->value()).u32s();
    return {ids.begin(), ids.end()};
  }

 private:
  const BuildScratch& scratch_;
  const char* name_;
  std::uint64_t number_ = 0;
  std::unique_ptr<RecordReader> reader_;
};

ShardResult write_list(const BuildScratch& scratch, const List& list, const std::filesystem::path& run,
                       const Tokenizer& tokenizer, std::vector<TokenCount>& counts) {
  ShardSetWriter writer(tokenizer, run / "shards", list.name, kMaxTokensPerShard);
  EncodedList encoded(scratch, list.name);
  for_each_document(list.path, [&](const Document& document) {
    const std::vector<TokenId> ids = encoded.next();
    counts.push_back({document.id, ids.size()});
    writer.add(document, ids);
  });
  return writer.finish();
}

/// Shards of kept and held-out documents, and the token columns of the report for all.
void write_all(const BuildScratch& scratch, const BuildOptions& options, const Tokenizer& tokenizer,
               ProgressSink& progress) {
  const std::filesystem::path& run = options.output_dir;
  const std::vector<List> lists = lists_of(run);
  std::vector<TokenCount> counts;
  progress.begin("shards", 3, "lists");
  const ShardResult train = write_list(scratch, lists[0], run, tokenizer, counts);
  progress.update(1);
  const ShardResult held_out = write_list(scratch, lists[1], run, tokenizer, counts);
  progress.update(2);
  EncodedList dropped(scratch, lists[2].name);
  for_each_document(lists[2].path, [&](const Document& document) {
    counts.push_back({document.id, dropped.next().size()});
  });
  add_token_counts(run, counts);
  RecordFileCommit result(scratch.folder() / "result");
  result.writer().write("", RecordBuilder().u64(train.num_tokens).u64(held_out.num_tokens).bytes());
  result.commit();
  progress.update(3);
  progress.end();
}

TokenBuildResult read_result(const BuildScratch& scratch, const Tokenizer& tokenizer) {
  RecordReader reader(scratch.folder() / "result");
  REPRISE_CHECK(reader.next());
  RecordParser record(reader.value());
  TokenBuildResult result;
  result.vocab_size = tokenizer.vocab_size();
  result.num_train_tokens = record.u64();
  result.num_held_out_tokens = record.u64();
  return result;
}

}  // namespace

void require_usable_tokenizer(const configs::TokenizerRecipe& recipe, const BuildOptions& options) {
  if (options.tokenizer.empty()) return require_trainable(recipe);
  const Tokenizer tokenizer = Tokenizer::load(options.tokenizer);
  REPRISE_REQUIRE(tokenizer.vocab_size() <= recipe.vocab_size(), ErrorKind::kData,
                  fmt::format("{} has {} entries; the recipe allows {}", options.tokenizer.string(),
                              tokenizer.vocab_size(), recipe.vocab_size()),
                  "set tokenizer.vocab_size to what the tokenizer's own recipe says");
  REPRISE_REQUIRE(tokenizer.has_end_of_text(), ErrorKind::kData,
                  fmt::format("{} has no special token that ends a text", options.tokenizer.string()),
                  "add a special token <|endoftext|> to its added_tokens");
}

TokenBuildResult build_tokens(const configs::TokenizerRecipe& recipe, const BuildOptions& given,
                              ProgressSink& progress) {
  BuildOptions options = given;
  options.num_threads = thread_count(given.num_threads);
  BuildScratch scratch = open_scratch(recipe, options);
  scratch.run_on_one("tokenizer", [&] { train_and_save(recipe, options, progress); });
  const Tokenizer tokenizer = Tokenizer::load(tokenizer_path(options.output_dir));
  scratch.run_on_all("encode", [&] {
    ThreadPool pool(options.num_threads);
    for (const List& list : lists_of(options.output_dir)) {
      ListEncoder(tokenizer, scratch, list, options.piece_bytes, pool).encode(progress);
    }
  });
  scratch.run_on_one("shards", [&] { write_all(scratch, options, tokenizer, progress); });
  return options.team.rank == 0 ? read_result(scratch, tokenizer) : TokenBuildResult{};
}

}  // namespace reprise::data
