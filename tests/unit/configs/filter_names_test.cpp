#include "reprise/configs/filter_names.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace reprise::configs {
namespace {

TEST(FilterNames, AreNamedOnceEach) {
  std::set<std::string> seen;
  for (const KnownFilter& filter : known_filters()) {
    EXPECT_TRUE(seen.insert(filter.name).second) << filter.name;
    EXPECT_EQ(find_filter(filter.name), &filter);
    EXPECT_FALSE(filter.presets.empty());
    for (const std::string& part : filter.parts) EXPECT_TRUE(seen.insert(part).second) << part;
  }
  EXPECT_EQ(find_filter("c5"), nullptr);
}

}  // namespace
}  // namespace reprise::configs
