#pragma once
// Word normalisation "v1" (docs/reference/deduplication.md): lower case, no accents, numbers as 0, punctuation as
// space; and hashes of words and of n-grams of words. Pure functions; thread-safe.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::data {

/// The normalised words of `text`, which must be well-formed UTF-8, with one space between them.
std::string fold_words(std::string_view text);

/// Replaces `hashes` by one 64-bit hash for each normalised word. Not for adversaries: anybody can make two equal.
void hash_words(std::string_view text, std::vector<std::uint64_t>& hashes);

/// A bijection in which every bit of the result depends on every bit of `value`.
std::uint64_t mix_bits(std::uint64_t value);

/// Replaces `ngrams` by one hash for each run of `length` words. Where there are fewer words, `ngrams` is empty.
void hash_ngrams(const std::vector<std::uint64_t>& words, std::size_t length, std::vector<std::uint64_t>& ngrams);

/// Another hash of one n-gram, independent of that of hash_ngrams: together they are 128 bits.
std::uint64_t second_ngram_hash(std::span<const std::uint64_t> words);

}  // namespace reprise::data
