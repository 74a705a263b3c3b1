// From a text to ids: added tokens, normaliser, words, pieces.

#include <deque>

#include "ordered_ids.h"
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
  std::string storage;
  for (std::size_t k = begin; k < end; ++k) {
    if (found[k].token != nullptr) {
      ids.push_back(static_cast<TokenId>(found[k].token->id));
      continue;
    }
    const bool at_start = k == 0;
    const std::string_view text =
        normalises_parts ? normalise_text(parts.normaliser, found[k].text, storage) : found[k].text;
    splits.for_each_word(text, at_start, [&](std::string_view word) { cache.encode(encoder, word, ids); });
  }
}

void Tokenizer::Model::encode_tasks(const std::vector<TextPart>& found, int num_threads, const IdSink& sink) const {
  const std::vector<TextPart> pieces = cut_parts(found);
  const std::vector<std::size_t> bounds = group_parts(pieces);
  OrderedIds results(bounds.size() - 1, sink);
  ThreadPool pool(num_threads);
  pool.parallel_for(static_cast<std::int64_t>(bounds.size() - 1), [&](std::int64_t index) {
    const auto task = static_cast<std::size_t>(index);
    std::vector<TokenId> ids = results.take_buffer();
    ids.reserve(kTaskBytes / 3);
    encode_parts(pieces, bounds[task], bounds[task + 1], ids);
    results.give(task, std::move(ids));
  });
}

/// Appends texts and tokens of a text without the tokens that are looked for before normalisation.
void Tokenizer::Model::find_normalised(std::string_view text, bool special, std::deque<std::string>& storage,
                                       std::vector<TextPart>& found) const {
  if (!parts.normaliser.empty() && !normalises_parts) {
    text = normalise_text(parts.normaliser, text, storage.emplace_back());
  }
  if (added_normalised.is_idle(special)) {
    found.push_back({text, nullptr});
  } else {
    added_normalised.split(text, special, found);
  }
}

std::vector<TextPart> Tokenizer::Model::find_parts(std::string_view text, bool special,
                                                   std::deque<std::string>& storage) const {
  std::vector<TextPart> raw;
  if (added.is_idle(special)) {
    raw.push_back({text, nullptr});
  } else {
    added.split(text, special, raw);
  }
  std::vector<TextPart> found;
  for (const TextPart& part : raw) {
    if (part.token != nullptr) {
      found.push_back(part);
    } else {
      find_normalised(part.text, special, storage, found);
    }
  }
  return found;
}

void Tokenizer::Model::encode(std::string_view text, const EncodeOptions& options, std::vector<TokenId>& ids) const {
  std::deque<std::string> storage;
  const std::vector<TextPart> found = find_parts(text, options.special_tokens, storage);
  if (options.num_threads > 1 && text.size() > kTaskBytes && splits.may_be_cut()) {
    encode_tasks(found, options.num_threads,
                 [&](std::span<const TokenId> part) { ids.insert(ids.end(), part.begin(), part.end()); });
  } else {
    encode_parts(found, 0, found.size(), ids);
  }
}

void Tokenizer::Model::encode(std::string_view text, const EncodeOptions& options, const IdSink& sink) const {
  std::deque<std::string> storage;
  const std::vector<TextPart> found = find_parts(text, options.special_tokens, storage);
  if (splits.may_be_cut()) return encode_tasks(found, options.num_threads, sink);
  std::vector<TokenId> ids;
  encode_parts(found, 0, found.size(), ids);
  sink(ids);
}

}  // namespace reprise::data
