// From a text to ids: added tokens, normaliser, words, pieces.

#include <deque>

#include "reprise/core/thread_pool.h"
#include "tokenizer_model.h"
#include "unicode_classes.h"
#include "word_cache.h"

namespace reprise::data {
namespace {

/// What one task of a parallel encoding takes, at least. Shorter texts are encoded on the calling thread.
constexpr std::size_t kTaskBytes = std::size_t{1} << 18;

/// Cuts long texts into parts of about kTaskBytes.
std::vector<TextPart> cut_parts(const std::vector<TextPart>& parts) {
  std::vector<TextPart> pieces;
  for (const TextPart& part : parts) {
    std::string_view rest = part.text;
    while (part.token == nullptr && rest.size() > kTaskBytes) {
      const std::size_t cut = SplitChain::next_cut(rest, kTaskBytes);
      pieces.push_back({rest.substr(0, cut), nullptr});
      rest.remove_prefix(cut);
    }
    pieces.push_back({rest, part.token});
  }
  return pieces;
}

/// Beginnings of runs of parts of at least kTaskBytes together, and the end.
std::vector<std::size_t> group_parts(const std::vector<TextPart>& parts) {
  std::vector<std::size_t> bounds = {0};
  std::size_t num_bytes = 0;
  for (std::size_t k = 0; k < parts.size(); ++k) {
    num_bytes += parts[k].text.size();
    if (num_bytes < kTaskBytes && k + 1 < parts.size()) continue;
    bounds.push_back(k + 1);
    num_bytes = 0;
  }
  return bounds;
}

}  // namespace

void Tokenizer::Model::encode_parts(const std::vector<TextPart>& found, std::size_t begin, std::size_t end,
                                    std::vector<TokenId>& ids) const {
  thread_local WordCache cache;
  cache.claim(serial);
  for (std::size_t k = begin; k < end; ++k) {
    if (found[k].token != nullptr) {
      ids.push_back(static_cast<TokenId>(found[k].token->id));
      continue;
    }
    const bool at_start = k == 0;
    splits.for_each_word(found[k].text, at_start, [&](std::string_view word) { cache.encode(encoder, word, ids); });
  }
}

/// Each task has ids of its own; they are joined in the order of the text.
void Tokenizer::Model::encode_parallel(const std::vector<TextPart>& found, int num_threads,
                                       std::vector<TokenId>& ids) const {
  const std::vector<TextPart> pieces = cut_parts(found);
  const std::vector<std::size_t> bounds = group_parts(pieces);
  std::vector<std::vector<TokenId>> results(bounds.size() - 1);
  ThreadPool pool(num_threads);
  pool.parallel_for(static_cast<std::int64_t>(results.size()), [&](std::int64_t index) {
    const auto task = static_cast<std::size_t>(index);
    results[task].reserve(kTaskBytes / 3);
    encode_parts(pieces, bounds[task], bounds[task + 1], results[task]);
  });
  for (const std::vector<TokenId>& result : results) ids.insert(ids.end(), result.begin(), result.end());
}

/// Appends texts and tokens of a text without the tokens that are looked for before normalisation.
void Tokenizer::Model::find_normalised(std::string_view text, bool special, std::deque<std::string>& storage,
                                       std::vector<TextPart>& found) const {
  if (!parts.normaliser.empty()) text = normalise_text(parts.normaliser, text, storage.emplace_back());
  if (added_normalised.empty()) {
    found.push_back({text, nullptr});
  } else {
    added_normalised.split(text, special, found);
  }
}

void Tokenizer::Model::encode(std::string_view text, const EncodeOptions& options, std::vector<TokenId>& ids) const {
  std::deque<std::string> storage;
  std::vector<TextPart> raw;
  if (added.empty()) {
    raw.push_back({text, nullptr});
  } else {
    added.split(text, options.special_tokens, raw);
  }
  std::vector<TextPart> found;
  for (const TextPart& part : raw) {
    if (part.token != nullptr) {
      found.push_back(part);
    } else {
      find_normalised(part.text, options.special_tokens, storage, found);
    }
  }
  if (options.num_threads > 1 && text.size() > kTaskBytes && splits.may_be_cut()) {
    encode_parallel(found, options.num_threads, ids);
  } else {
    encode_parts(found, 0, found.size(), ids);
  }
}

}  // namespace reprise::data
