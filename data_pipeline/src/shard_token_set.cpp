#include <fmt/core.h>

#include <algorithm>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/shards.h"
#include "shard_content.h"
#include "shard_file.h"

namespace reprise::data {
namespace {

[[noreturn]] void throw_corrupt(const std::filesystem::path& path, const std::string& what, const std::string& hint) {
  throw Error(ErrorKind::kCorrupt, fmt::format("shard {}: {}", path.string(), what), hint);
}

/// Checks that a shard is the next one of its set.
void check_place(const std::filesystem::path& path, const ShardAttributes& attributes, std::uint64_t index,
                 std::uint64_t num_tokens, std::uint64_t num_documents) {
  constexpr const char* kHint = "the file belongs to another place or another set; make the shards again";
  const auto check = [&](const char* name, std::uint64_t found, std::uint64_t expected) {
    if (found != expected) throw_corrupt(path, fmt::format("{} is {} instead of {}", name, found, expected), kHint);
  };
  check("shard_index", attributes.shard_index, index);
  check("first_token", attributes.first_token, num_tokens);
  check("first_document", attributes.first_document, num_documents);
}

[[noreturn]] void throw_missing(const std::filesystem::path& path) {
  throw_corrupt(path, "is missing, and the shard before is not the last one", "copy the file from the same run");
}

void check_no_more(const std::filesystem::path& folder, const std::string& stem, std::uint64_t index) {
  const std::filesystem::path path = shard_path(folder, stem, index);
  if (std::filesystem::exists(path)) {
    throw_corrupt(path, "stands after the last shard of its set", "remove the file, or make the shards again");
  }
}

}  // namespace

TokenSet TokenSet::open(const std::filesystem::path& folder, const std::string& stem) {
  TokenSet set;
  std::vector<Digest> leaves;
  for (std::uint64_t index = 0;; ++index) {
    const std::filesystem::path path = shard_path(folder, stem, index);
    if (index > 0 && !std::filesystem::exists(path)) throw_missing(path);
    ShardColumns columns;
    ShardAttributes attributes;
    read_shard_image(read_file(path), path.string(), columns, attributes);
    check_place(path, attributes, index, set.tokens_.size(), set.documents_.size());
    set.tokens_.insert(set.tokens_.end(), columns.tokens.begin(), columns.tokens.end());
    for (std::size_t row = 0; row < columns.num_documents(); ++row) {
      set.documents_.push_back(document_at(columns, attributes, row));
      const DocumentSpan& document = set.documents_.back();
      leaves.push_back(document_leaf(document, set.tokens().subspan(document.first_token, document.num_tokens)));
    }
    set.root_ = token_set_root(attributes, set.tokens_.size(), leaves);
    if (set.root_ != attributes.root) {
      throw_corrupt(path, fmt::format("root is {} instead of {}", set.root_.hex(), attributes.root.hex()),
                    "the file was changed, or belongs to another set; make the shards again");
    }
    set.tokenizer_ = attributes.tokenizer;
    if (attributes.is_last) {
      check_no_more(folder, stem, index + 1);
      return set;
    }
  }
}

Digest stated_root(const std::filesystem::path& folder, const std::string& stem) {
  std::uint64_t last = 0;
  while (std::filesystem::exists(shard_path(folder, stem, last + 1))) ++last;
  const std::filesystem::path path = shard_path(folder, stem, last);
  const ShardAttributes attributes = read_shard_attributes(read_file(path), path.string());
  if (!attributes.is_last) throw_missing(shard_path(folder, stem, last + 1));
  return attributes.root;
}

std::uint64_t TokenSet::num_sequences(std::uint32_t length) const {
  REPRISE_CHECK(length > 0);
  return tokens_.empty() ? 0 : (tokens_.size() - 1) / length;
}

void TokenSet::read_sequence(std::uint64_t sequence, std::uint32_t length, std::int32_t* inputs,
                             std::int32_t* targets) const {
  REPRISE_CHECK(sequence < num_sequences(length));
  const std::uint16_t* first = tokens_.data() + sequence * length;
  std::copy_n(first, length, inputs);
  std::copy_n(first + 1, length, targets);
}

std::vector<std::size_t> TokenSet::documents_of(std::uint64_t sequence, std::uint32_t length) const {
  REPRISE_CHECK(sequence < num_sequences(length));
  const std::uint64_t first = sequence * length;
  const std::uint64_t last = first + length;  // the last target
  const auto begins_after = [](std::uint64_t token, const DocumentSpan& document) {
    return token < document.first_token;
  };
  // Documents cover the tokens without gaps, so the one that holds a token is the last that begins at or before it.
  const auto begin = std::upper_bound(documents_.begin(), documents_.end(), first, begins_after) - 1;
  const auto end = std::upper_bound(documents_.begin(), documents_.end(), last, begins_after);
  std::vector<std::size_t> indices;
  for (auto document = begin; document != end; ++document) {
    indices.push_back(static_cast<std::size_t>(document - documents_.begin()));
  }
  return indices;
}

}  // namespace reprise::data
