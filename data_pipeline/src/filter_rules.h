#pragma once
// The filters behind make_filter, and the comparison they share.

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "reprise/data_pipeline/filters.h"

namespace reprise::data {

/// Names of the parts that a rule switches off.
using Disabled = std::set<std::string, std::less<>>;

std::unique_ptr<Filter> make_gopher_quality(std::string_view preset, Disabled disabled);
std::unique_ptr<Filter> make_gopher_repetition(std::string_view preset, Disabled disabled);
std::unique_ptr<Filter> make_c4(std::string_view preset, Disabled disabled);
std::unique_ptr<Filter> make_fineweb_quality(Disabled disabled);
std::unique_ptr<Filter> make_dclm_urls(std::string_view preset, Disabled disabled);
std::unique_ptr<Filter> make_dclm_lines(Disabled disabled);
std::unique_ptr<Filter> make_pii(std::string_view preset, Disabled disabled);

/// a / b, and 0 where b is 0: a text without words or lines has no symbols, bullets or duplicates.
inline double ratio(std::uint64_t a, std::uint64_t b) {
  return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b);
}

/// Remembers the first rule that drops the text. The measures of later rules are taken only to explain.
class Verdict {
 public:
  Verdict(const Disabled& disabled, bool explain) : disabled_(disabled), explain_(explain) {}

  bool explains() const { return explain_; }
  bool dropped() const { return drop_.has_value(); }
  /// True when nothing more has to be measured.
  bool closed() const { return dropped() && !explain_; }
  /// True when the rule has to be measured.
  bool open(std::string_view part) const { return !closed() && !disabled_.contains(part); }
  void drop_below(std::string_view rule, double value, double threshold) {
    record(rule, value, threshold, true, value < threshold);
  }
  void drop_above(std::string_view rule, double value, double threshold) {
    record(rule, value, threshold, false, value > threshold);
  }
  /// Moves the outcome into `judgement`.
  void finish(Judgement& judgement) {
    judgement.drop = std::move(drop_);
    judgement.measures = std::move(measures_);
  }

 private:
  void record(std::string_view rule, double value, double threshold, bool at_least, bool drops) {
    if (explain_) measures_.push_back({std::string(rule), value, threshold, at_least, !drops});
    if (drops && !drop_) drop_ = Drop{std::string(rule), value, threshold};
  }

  const Disabled& disabled_;
  bool explain_;
  std::optional<Drop> drop_;
  std::vector<Measure> measures_;
};

}  // namespace reprise::data
