// From texts to counted words to a Tokenizer.

#include <algorithm>
#include <unordered_map>

#include "bpe_trainer.h"
#include "pre_tokenizer.h"
#include "reprise/core/error.h"
#include "reprise/core/thread_pool.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "tokenizer_json.h"
#include "tokenizer_model.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

constexpr std::uint32_t kSmallestVocabulary = 257;   // 256 bytes and the end of text
constexpr std::uint32_t kLargestVocabulary = 65536;  // shards hold 16-bit ids
/// Texts gathered before the threads count their words.
constexpr std::size_t kBatchBytes = std::size_t{8} << 20;

/// Counts the words of texts on several threads. Counts are sums, so who counts what does not show.
class WordCounter {
 public:
  explicit WordCounter(int num_threads) : pool_(num_threads), counts_(static_cast<std::size_t>(num_threads)) {}

  void add(std::string_view text) {
    batch_.emplace_back(text);
    batch_bytes_ += text.size();
    if (batch_bytes_ >= kBatchBytes) count_batch();
  }

  /// Returns every word once, sorted by its bytes.
  std::vector<WordCount> finish() {
    count_batch();
    std::vector<WordCount> words;
    for (auto& counts : counts_) words.insert(words.end(), counts.begin(), counts.end());
    std::sort(words.begin(), words.end());
    std::vector<WordCount> sums;
    for (WordCount& word : words) {
      if (!sums.empty() && sums.back().first == word.first) {
        sums.back().second += word.second;
      } else {
        sums.push_back(std::move(word));
      }
    }
    return sums;
  }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Counts = std::unordered_map<std::string, std::int64_t, TextHash, std::equal_to<>>;

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

  static void count_text(std::string_view text, Counts& counts) {
    std::string repaired;
    for_each_pre_token(well_formed_utf8(text, repaired), [&](std::string_view word) {
      const auto found = counts.find(word);
      if (found != counts.end()) {
        ++found->second;
      } else {
        counts.emplace(word, 1);
      }
    });
  }

  ThreadPool pool_;
  std::vector<Counts> counts_;
  std::vector<std::string> batch_;
  std::size_t batch_bytes_ = 0;
};

void check_recipe(const configs::TokenizerRecipe& recipe) {
  REPRISE_REQUIRE(recipe.pre_tokenizer() == "gpt2", ErrorKind::kConfig,
                  fmt::format("tokenizer.pre_tokenizer is not known: \"{}\"", recipe.pre_tokenizer()),
                  "set tokenizer.pre_tokenizer to \"gpt2\"");
  REPRISE_REQUIRE(recipe.vocab_size() >= kSmallestVocabulary && recipe.vocab_size() <= kLargestVocabulary,
                  ErrorKind::kConfig,
                  fmt::format("tokenizer.vocab_size is not within {} and {}: {}", kSmallestVocabulary,
                              kLargestVocabulary, recipe.vocab_size()),
                  "set tokenizer.vocab_size, for instance to 4096");
  // A text token of the same spelling would be taken for the special one; merges never cross a piece boundary.
  const std::string& special = recipe.end_of_text();
  std::string repaired;
  const bool usable = !special.empty() && well_formed_utf8(special, repaired).data() == special.data() &&
                      pre_token_end(special, 0) < special.size();
  REPRISE_REQUIRE(usable, ErrorKind::kConfig,
                  fmt::format("tokenizer.end_of_text could be learned from text as a word: \"{}\"", special),
                  "use a spelling with marks around it, such as \"<|endoftext|>\"");
}

}  // namespace

Tokenizer train_tokenizer(const configs::TokenizerRecipe& recipe, const TextSource& texts, int num_threads,
                          ProgressSink& progress) {
  check_recipe(recipe);
  WordCounter counter(std::max(1, num_threads));
  std::int64_t num_bytes = 0;
  progress.begin("tokenizer: count words", 0, "bytes");
  texts([&](std::string_view text) {
    counter.add(text);
    num_bytes += static_cast<std::int64_t>(text.size());
    progress.update(num_bytes);
  });
  const std::vector<WordCount> words = counter.finish();
  progress.end();
  const BpeTrainingOptions options{recipe.vocab_size(), recipe.min_frequency(), recipe.end_of_text()};
  BpeModel model = train_bpe(words, options, progress);
  std::string json = write_tokenizer_json(model);
  return TokenizerBuilder::build(std::move(model), std::move(json));
}

}  // namespace reprise::data
