#pragma once
// Texts built to sit at, below and above a threshold, and the verdict of one filter on them.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "reprise/configs/filter_names.h"
#include "reprise/data_pipeline/filters.h"

namespace reprise::data {

inline configs::FilterRule rule_of(const std::string& name, const std::string& preset = "",
                                   const std::vector<std::string>& disabled = {}) {
  configs::FilterRule rule;
  rule.set_name(name);
  if (!preset.empty()) rule.set_preset(preset);
  for (const std::string& part : disabled) rule.add_disable(part);
  return rule;
}

inline std::optional<Drop> judge(const configs::FilterRule& rule, std::string text) {
  Edits edits;
  return make_filter(rule)->apply(text, edits);
}

inline void expect_kept(const configs::FilterRule& rule, const std::string& text) {
  const auto drop = judge(rule, text);
  EXPECT_FALSE(drop.has_value()) << drop->rule << " " << drop->value;
}

inline void expect_dropped(const configs::FilterRule& rule, const std::string& text, const std::string& name,
                           double value, double threshold) {
  const auto drop = judge(rule, text);
  ASSERT_TRUE(drop.has_value());
  EXPECT_EQ(drop->rule, name);
  EXPECT_DOUBLE_EQ(drop->value, value);
  EXPECT_DOUBLE_EQ(drop->threshold, threshold);
}

/// A rule set with only `part` left on.
inline configs::FilterRule only(const std::string& filter, const std::string& part, const std::string& preset = "") {
  std::vector<std::string> disabled;
  for (const std::string& other : configs::find_filter(filter)->parts) {
    if (other != part) disabled.push_back(other);
  }
  return rule_of(filter, preset, disabled);
}

/// `count` copies of `item` with `separator` between them.
inline std::string repeat(const std::string& item, int count, const std::string& separator = " ") {
  std::string text;
  for (int i = 0; i < count; ++i) text.append(i == 0 ? "" : separator).append(item);
  return text;
}

/// Words that are all different: "w100000 w100001 ..." of 7 characters each.
inline std::string distinct_words(int count, int first = 100000) {
  std::string text;
  for (int i = 0; i < count; ++i) text += (i == 0 ? "w" : " w") + std::to_string(first + i);
  return text;
}

}  // namespace reprise::data
