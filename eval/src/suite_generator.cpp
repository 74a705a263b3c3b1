// Fills the templates: template by index, words by Philox, so that pair i of a phenomenon does not depend on how many
// pairs are asked for.
#include <fmt/core.h>

#include <array>
#include <map>
#include <set>
#include <utility>

#include "reprise/core/error.h"
#include "reprise/core/philox.h"
#include "reprise/eval/suite.h"
#include "suite_tables.h"

namespace reprise::eval {
namespace {

using suite::Entry;
using suite::Phenomenon;
using suite::Template;
using suite::WordClass;

constexpr std::uint64_t kSuiteKey = 0x52657072697365;  // "Reprise"; part of the suite
constexpr std::uint32_t kMaxAttempts = 200;

const WordClass& find_class(std::string_view name) {
  for (const WordClass& word_class : suite::lexicon()) {
    if (word_class.name == name) return word_class;
  }
  throw Error(ErrorKind::kInternal, fmt::format("a suite template names an unknown word class: {}", name));
}

/// The random words of one pair and attempt: counter = (purpose, phenomenon, index, attempt * 16 + block).
class Chooser {
 public:
  Chooser(std::uint32_t phenomenon, std::uint32_t index, std::uint32_t attempt)
      : counter_{static_cast<std::uint32_t>(RandomPurpose::kSuite), phenomenon, index, attempt * 16} {}

  /// Returns a number in [0, count): the high word of random * count.
  std::size_t choose(std::size_t count) {
    if (next_ == 4) {
      words_ = philox4x32_10(counter_, philox_key(kSuiteKey));
      ++counter_[3];
      next_ = 0;
    }
    return static_cast<std::size_t>((static_cast<std::uint64_t>(words_[next_++]) * count) >> 32);
  }

 private:
  PhiloxCounter counter_;
  PhiloxCounter words_{};
  std::size_t next_ = 4;
};

/// The entries chosen so far for the slots of one pair, by slot name ("person", "person2").
class Filling {
 public:
  explicit Filling(Chooser chooser) : chooser_(chooser) {}

  std::string_view word(std::string_view slot) {
    const std::size_t dot = slot.find('.');
    REPRISE_CHECK(dot != std::string_view::npos);
    const std::string_view key = slot.substr(0, dot);
    const std::string_view form = slot.substr(dot + 1);
    const std::string_view base = key.back() == '2' ? key.substr(0, key.size() - 1) : key;
    const WordClass& word_class = find_class(base);
    const Entry& entry = entry_for(key, base, word_class);
    for (std::size_t i = 0; i < suite::kMaxForms; ++i) {
      if (word_class.form_names[i] == form) return entry.forms[i];
    }
    throw Error(ErrorKind::kInternal, fmt::format("a suite template names an unknown form: {}", slot));
  }

 private:
  const Entry& entry_for(std::string_view key, std::string_view base, const WordClass& word_class) {
    const auto known = chosen_.find(key);
    if (known != chosen_.end()) return word_class.entries[known->second];
    const auto first = chosen_.find(base);
    const bool must_differ = key != base && first != chosen_.end();
    std::size_t index = chooser_.choose(word_class.entries.size() - (must_differ ? 1 : 0));
    if (must_differ && index >= first->second) ++index;
    chosen_.emplace(key, index);
    return word_class.entries[index];
  }

  Chooser chooser_;
  std::map<std::string_view, std::size_t> chosen_;
};

std::string fill(std::string_view pattern, Filling& filling) {
  std::string text;
  for (std::size_t i = 0; i < pattern.size();) {
    if (pattern[i] != '{') {
      text += pattern[i++];
      continue;
    }
    const std::size_t end = pattern.find('}', i);
    REPRISE_CHECK(end != std::string_view::npos);
    text += filling.word(pattern.substr(i + 1, end - i - 1));
    i = end + 1;
  }
  if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

MinimalPair make_pair(std::uint32_t phenomenon, std::uint32_t index, std::uint32_t attempt) {
  const Phenomenon& entry = suite::phenomena()[phenomenon];
  const Template& form = entry.templates[index % entry.templates.size()];
  Filling filling(Chooser(phenomenon, index, attempt));
  MinimalPair pair;
  pair.phenomenon = std::string(entry.name);
  pair.good = fill(form.good, filling);
  pair.bad = fill(form.bad, filling);
  return pair;
}

void generate_phenomenon(std::uint32_t phenomenon, std::uint32_t count, std::vector<MinimalPair>& pairs) {
  std::set<std::pair<std::string, std::string>> seen;
  for (std::uint32_t index = 0; index < count; ++index) {
    std::uint32_t attempt = 0;
    MinimalPair pair = make_pair(phenomenon, index, attempt);
    while (!seen.emplace(pair.good, pair.bad).second) {
      REPRISE_REQUIRE(++attempt < kMaxAttempts, ErrorKind::kConfig,
                      fmt::format("the suite cannot make that many distinct pairs of {}: {}", pair.phenomenon, count),
                      "lower --pairs, or eval.pairs_per_phenomenon in a config");
      pair = make_pair(phenomenon, index, attempt);
    }
    pairs.push_back(std::move(pair));
  }
}

}  // namespace

std::vector<std::string> phenomenon_names() {
  std::vector<std::string> names;
  for (const Phenomenon& phenomenon : suite::phenomena()) names.emplace_back(phenomenon.name);
  return names;
}

std::vector<MinimalPair> generate_suite(std::uint32_t pairs_per_phenomenon) {
  std::vector<MinimalPair> pairs;
  const auto num_phenomena = static_cast<std::uint32_t>(suite::phenomena().size());
  for (std::uint32_t p = 0; p < num_phenomena; ++p) generate_phenomenon(p, pairs_per_phenomenon, pairs);
  return pairs;
}

Digest suite_digest(const std::vector<MinimalPair>& pairs) {
  CanonicalHasher hasher("reprise.suite.v1");
  hasher.u64("pairs", pairs.size());
  for (const MinimalPair& pair : pairs) {
    hasher.string("phenomenon", pair.phenomenon).string("good", pair.good).string("bad", pair.bad);
  }
  return hasher.finish();
}

}  // namespace reprise::eval
