// From texts to counted words to a Tokenizer.

#include <algorithm>

#include "bpe_trainer.h"
#include "pre_tokenizer_names.h"
#include "reprise/configs/pre_tokenizer_names.h"
#include "reprise/core/error.h"
#include "reprise/core/thread_pool.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "text_normaliser.h"
#include "tokenizer_json.h"
#include "tokenizer_model.h"
#include "unicode_classes.h"
#include "word_counts.h"

namespace reprise::data {
namespace {

constexpr std::uint32_t kSmallestVocabulary = 257;     // 256 bytes and the end of text
constexpr std::uint32_t kLargestVocabulary = 1 << 20;  // shards, and so recipes, hold at most 65,536
/// Texts gathered before the threads count their words.
constexpr std::size_t kBatchBytes = std::size_t{8} << 20;
constexpr std::size_t kLongText = std::size_t{1} << 19;

std::vector<NormaliserStep> normaliser_steps(const PreTokenizerName& pre_tokenizer) {
  if (!pre_tokenizer.nfc) return {};
  return {{NormaliserStep::Kind::kNfc, {}, {}}};
}

/// Counts the words of texts on several threads. Counts are sums, so who counts what does not show.
class WordCounter {
 public:
  WordCounter(const PreTokenizerName& pre_tokenizer, int num_threads)
      : splits_(split_steps(pre_tokenizer)),
        normaliser_(normaliser_steps(pre_tokenizer)),
        pool_(num_threads),
        counts_(static_cast<std::size_t>(num_threads)) {}

  /// A long text is cut where its words do not change, so that threads share it.
  void add(std::string_view text) {
    while (text.size() > kLongText) {
      const std::size_t cut = SplitChain::next_cut(text, kLongText);
      add_part(text.substr(0, cut));
      text.remove_prefix(cut);
    }
    add_part(text);
  }

  WordCounts finish() {
    count_batch();
    WordCounts sums = std::move(counts_[0]);
    for (std::size_t part = 1; part < counts_.size(); ++part) {
      counts_[part].for_each([&](std::string_view word, std::int64_t count) { sums.add(word, count); });
    }
    return sums;
  }

 private:
  void add_part(std::string_view text) {
    batch_.emplace_back(text);
    batch_bytes_ += text.size();
    if (batch_bytes_ >= kBatchBytes) count_batch();
  }

  void count_batch() {
    const auto share = static_cast<std::int64_t>(counts_.size());
    pool_.parallel_for(share, [&](std::int64_t part) {
      for (std::size_t k = static_cast<std::size_t>(part); k < batch_.size(); k += counts_.size()) {
        count_text(batch_[k], counts_[static_cast<std::size_t>(part)]);
      }
    });
    batch_.clear();
    batch_bytes_ = 0;
  }

  void count_text(std::string_view text, WordCounts& counts) const {
    std::string repaired;
    std::string normalised;
    text = normalise_text(normaliser_, well_formed_utf8(text, repaired), normalised);
    splits_.for_each_word(text, true, [&](std::string_view word) { counts.add(word, 1); });
  }

  SplitChain splits_;
  std::vector<NormaliserStep> normaliser_;
  ThreadPool pool_;
  std::vector<WordCounts> counts_;
  std::vector<std::string> batch_;
  std::size_t batch_bytes_ = 0;
};

int num_words(std::string_view text, const std::string& pre_tokenizer) {
  int count = 0;
  const SplitChain splits(split_steps(*find_pre_tokenizer(pre_tokenizer)));
  splits.for_each_word(text, true, [&](std::string_view) { ++count; });
  return count;
}

/// What a reader makes of the file of a trained tokenizer, apart from the model.
TokenizerParts parts_of(const PreTokenizerName& pre_tokenizer, const std::string& end_of_text) {
  TokenizerParts parts;
  AddedToken token;
  token.content = end_of_text;
  token.special = true;
  parts.added_tokens.push_back(token);
  parts.normaliser = normaliser_steps(pre_tokenizer);
  parts.splits = split_steps(pre_tokenizer);
  parts.decoder.emplace_back();
  return parts;
}

}  // namespace

void require_trainable(const configs::TokenizerRecipe& recipe) {
  REPRISE_REQUIRE(find_pre_tokenizer(recipe.pre_tokenizer()) != nullptr, ErrorKind::kConfig,
                  fmt::format("tokenizer.pre_tokenizer is not known: \"{}\"", recipe.pre_tokenizer()),
                  fmt::format("set tokenizer.pre_tokenizer to one of: {}", configs::pre_tokenizer_list()));
  REPRISE_REQUIRE(recipe.vocab_size() >= kSmallestVocabulary && recipe.vocab_size() <= kLargestVocabulary,
                  ErrorKind::kConfig,
                  fmt::format("tokenizer.vocab_size is not within {} and {}: {}", kSmallestVocabulary,
                              kLargestVocabulary, recipe.vocab_size()),
                  "set tokenizer.vocab_size, for instance to 4096");
  // A text token of the same spelling would be taken for the special one; merges never cross a piece boundary.
  const std::string& special = recipe.end_of_text();
  std::string repaired;
  const bool usable = !special.empty() && well_formed_utf8(special, repaired).data() == special.data() &&
                      num_words(special, recipe.pre_tokenizer()) > 1;
  REPRISE_REQUIRE(usable, ErrorKind::kConfig,
                  fmt::format("tokenizer.end_of_text could be learned from text as a word: \"{}\"", special),
                  "use a spelling with marks around it, such as \"<|endoftext|>\"");
}

Tokenizer train_tokenizer(const configs::TokenizerRecipe& recipe, const TextSource& texts, int num_threads,
                          ProgressSink& progress) {
  require_trainable(recipe);
  const PreTokenizerName& pre_tokenizer = *find_pre_tokenizer(recipe.pre_tokenizer());
  WordCounter counter(pre_tokenizer, std::max(1, num_threads));
  std::int64_t num_bytes = 0;
  progress.begin("tokenizer: count words", 0, "bytes");
  texts([&](std::string_view text) {
    counter.add(text);
    num_bytes += static_cast<std::int64_t>(text.size());
    progress.update(num_bytes);
  });
  const WordCounts words = counter.finish();
  progress.end();
  const BpeTrainingOptions options{recipe.vocab_size(), recipe.min_frequency(), recipe.end_of_text()};
  TokenizerParts parts = parts_of(pre_tokenizer, recipe.end_of_text());
  parts.bpe = train_bpe(words, options, progress);
  std::string json = write_tokenizer_json(parts.bpe, pre_tokenizer);
  return TokenizerBuilder::build(std::move(parts), std::move(json));
}

}  // namespace reprise::data
