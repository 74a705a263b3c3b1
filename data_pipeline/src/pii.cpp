// Placeholders for e-mail addresses, phone numbers and IP addresses. A placeholder depends on the text that it stands
// for and on nothing else, so that the order of documents and the number of threads cannot move it.

#include <algorithm>
#include <array>

#include "filter_rules.h"
#include "pii_spans.h"
#include "reprise/core/hash.h"
#include "text_measures.h"

namespace reprise::data {
namespace {

using Placeholders = std::vector<std::string_view>;

struct PiiPreset {
  std::string_view name;
  Placeholders emails;
  Placeholders phones;  // none: phone numbers stay
  Placeholders ips;
  bool public_ips_alone;
  double max_spans;  // 0: no rule
};

const std::array<PiiPreset, 2>& presets() {
  static const std::array<PiiPreset, 2> known = {{
      {"dolma-v1.5", {" |||EMAIL_ADDRESS||| "}, {" |||PHONE_NUMBER||| "}, {" |||IP_ADDRESS||| "}, false, 5},
      {"fineweb",
       {"email@example.com", "firstname.lastname@example.org"},
       {},
       {"22.214.171.124", "126.96.36.199", "188.8.131.52", "184.108.40.206", "220.127.116.11", "18.104.22.168"},
       true,
       0},
  }};
  return known;
}

struct Replacement {
  PiiSpan span;
  std::string_view rule;
  std::string_view placeholder;
};

/// The placeholder of a match: the first 8 bytes of SHA-256("reprise.pii.v1" and the match), modulo their number.
std::string_view choose(const Placeholders& placeholders, std::string_view match) {
  if (placeholders.size() == 1) return placeholders.front();
  Sha256 hash;
  hash.update("reprise.pii.v1");
  hash.update(match);
  const Digest digest = hash.finish();
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number = number << 8 | digest.bytes[i];
  return placeholders[number % placeholders.size()];
}

class Pii : public Filter {
 public:
  Pii(const PiiPreset& preset, Disabled disabled) : preset_(preset), disabled_(std::move(disabled)) {}

  Judgement judge(TextMeasures& measures, bool explain) const override {
    const std::string_view text = measures.text();
    const std::vector<Replacement> replacements = find(text);
    Verdict verdict(disabled_, explain);
    if (preset_.max_spans > 0 && verdict.open("pii_spans")) {
      verdict.drop_above("pii_spans", static_cast<double>(replacements.size()), preset_.max_spans);
    }
    Judgement judgement;
    verdict.finish(judgement);
    if (judgement.drop && !explain) return judgement;
    for (const Replacement& replacement : replacements) {
      Edit& edit = judgement.edits[std::string(replacement.rule)];
      edit.num_lines += 1;
      edit.num_bytes += replacement.span.size;
    }
    if (!judgement.drop && !replacements.empty()) judgement.edited = replaced(text, replacements);
    return judgement;
  }

 private:
  /// All matches in the order of the text. Where two overlap the e-mail address wins, then the IP address.
  std::vector<Replacement> find(std::string_view text) const {
    std::vector<Replacement> found;
    add(text, "pii_email", find_emails(text), preset_.emails, found);
    std::vector<PiiSpan> addresses = find_ip_addresses(text);
    if (preset_.public_ips_alone) {
      std::erase_if(addresses, [&](const PiiSpan& span) { return !is_public_ip(text.substr(span.begin, span.size)); });
    }
    add(text, "pii_ip", addresses, preset_.ips, found);
    if (!preset_.phones.empty()) add(text, "pii_phone", find_phone_numbers(text), preset_.phones, found);
    return found;
  }

  void add(std::string_view text, std::string_view rule, const std::vector<PiiSpan>& spans,
           const Placeholders& placeholders, std::vector<Replacement>& found) const {
    if (disabled_.contains(rule)) return;
    std::vector<Replacement> merged;
    auto other = found.begin();
    for (const PiiSpan& span : spans) {
      while (other != found.end() && other->span.begin + other->span.size <= span.begin) merged.push_back(*other++);
      const bool overlaps = other != found.end() && other->span.begin < span.begin + span.size;
      const std::string_view match = text.substr(span.begin, span.size);
      // A placeholder stays, so that applying the filter twice changes nothing more.
      const bool is_placeholder = std::find(placeholders.begin(), placeholders.end(), match) != placeholders.end();
      if (!overlaps && !is_placeholder) merged.push_back({span, rule, choose(placeholders, match)});
    }
    merged.insert(merged.end(), other, found.end());
    found = std::move(merged);
  }

  static std::string replaced(std::string_view text, const std::vector<Replacement>& replacements) {
    std::string result;
    std::size_t from = 0;
    for (const Replacement& replacement : replacements) {
      result += text.substr(from, replacement.span.begin - from);
      result += replacement.placeholder;
      from = replacement.span.begin + replacement.span.size;
    }
    return result += text.substr(from);
  }

  const PiiPreset& preset_;
  Disabled disabled_;
};

}  // namespace

std::unique_ptr<Filter> make_pii(std::string_view preset, Disabled disabled) {
  const auto found = std::find_if(presets().begin(), presets().end(),
                                  [&](const PiiPreset& candidate) { return candidate.name == preset; });
  REPRISE_CHECK(found != presets().end());
  return std::make_unique<Pii>(*found, std::move(disabled));
}

}  // namespace reprise::data
