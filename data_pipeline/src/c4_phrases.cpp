#include "c4_phrases.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "text_units.h"

namespace reprise::data {
namespace {

constexpr std::array<std::string_view, 6> kPolicyPhrases = {"terms of use", "privacy policy", "cookie policy",
                                                            "uses cookies", "use of cookies", "use cookies"};

std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c + (c >= 'A' && c <= 'Z' ? 'a' - 'A' : 0));
  return lower;
}

/// Like find() != npos; memmem skips ahead by the length of the phrase.
bool holds(std::string_view text, std::string_view phrase) {
  return memmem(text.data(), text.size(), phrase.data(), phrase.size()) != nullptr;
}

bool holds_policy(std::string_view lower) {
  // Four of the six phrases hold "cookie": three searches tell that none is there.
  if (!holds(lower, "cookie") && !holds(lower, "privacy policy") && !holds(lower, "terms of use")) return false;
  return std::any_of(kPolicyPhrases.begin(), kPolicyPhrases.end(),
                     [&](std::string_view phrase) { return holds(lower, phrase); });
}

}  // namespace

C4Phrases::C4Phrases(std::string_view page) {
  const std::string lower = lower_ascii(page);
  lorem_ipsum_ = holds(lower, "lorem ipsum");
  javascript_ = holds(lower, "javascript");
  policy_ = holds_policy(lower);
}

std::uint64_t C4Phrases::count_lorem_ipsum(std::string_view line) const {
  return lorem_ipsum_ ? count_occurrences(lower_ascii(line), "lorem ipsum") : 0;
}

bool C4Phrases::has_javascript(std::string_view line) const {
  return javascript_ && holds(lower_ascii(line), "javascript");
}

bool C4Phrases::has_policy(std::string_view line) const { return policy_ && holds_policy(lower_ascii(line)); }

}  // namespace reprise::data
