#include <gtest/gtest.h>

#include <string>

#include "reprise/data_pipeline/selection.h"

namespace reprise::data {
namespace {

TEST(HeldOut, FollowsTheHashOfTheId) {
  // printf 'reprise.held_out.v1doc-0' | sha256sum (coreutils 9.1); the first 8 bytes over 2^64.
  struct Case {
    std::string id;
    double fraction;
  };
  for (const Case& c :
       {Case{"doc-0", 0.8484590292287154}, Case{"doc-1", 0.17092745816726862}, Case{"doc-2", 0.3231658012876091}}) {
    EXPECT_FALSE(is_held_out(c.id, c.fraction - 1e-9)) << c.id;
    EXPECT_TRUE(is_held_out(c.id, c.fraction + 1e-9)) << c.id;
  }
}

TEST(HeldOut, TakesNothingAtZeroAndAllAtOne) {
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(is_held_out(std::to_string(i), 0));
    EXPECT_TRUE(is_held_out(std::to_string(i), 1));
  }
}

TEST(HeldOut, TakesAboutTheFractionAskedFor) {
  int count = 0;
  for (int i = 0; i < 20000; ++i) count += is_held_out("id " + std::to_string(i), 0.03) ? 1 : 0;
  EXPECT_NEAR(count, 600, 100);  // 4 standard deviations
}

TEST(HeldOut, GrowsWithTheFraction) {
  for (int i = 0; i < 1000; ++i) {
    if (is_held_out(std::to_string(i), 0.03)) {
      EXPECT_TRUE(is_held_out(std::to_string(i), 0.06));
    }
  }
}

}  // namespace
}  // namespace reprise::data
