#pragma once
// The three filters behind make_filter, and the comparison they share.

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "reprise/data_pipeline/filters.h"

namespace reprise::data {

/// Names of the parts that a rule switches off.
using Disabled = std::set<std::string, std::less<>>;

std::unique_ptr<Filter> make_gopher_quality(Disabled disabled);
std::unique_ptr<Filter> make_gopher_repetition(Disabled disabled);
std::unique_ptr<Filter> make_c4(std::string_view preset, Disabled disabled);

/// a / b, and 0 where b is 0: a text without words or lines has no symbols, bullets or duplicates.
inline double ratio(std::uint64_t a, std::uint64_t b) {
  return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b);
}

/// Remembers the first rule that drops the text; the measures of later rules are not taken.
class Verdict {
 public:
  explicit Verdict(const Disabled& disabled) : disabled_(disabled) {}

  bool dropped() const { return drop_.has_value(); }
  /// True when the rule has to be measured.
  bool open(std::string_view part) const { return !drop_ && !disabled_.contains(part); }
  void drop_below(std::string_view rule, double value, double threshold) {
    if (!drop_ && value < threshold) drop_ = Drop{std::string(rule), value, threshold};
  }
  void drop_above(std::string_view rule, double value, double threshold) {
    if (!drop_ && value > threshold) drop_ = Drop{std::string(rule), value, threshold};
  }
  std::optional<Drop> take() { return std::move(drop_); }

 private:
  const Disabled& disabled_;
  std::optional<Drop> drop_;
};

}  // namespace reprise::data
