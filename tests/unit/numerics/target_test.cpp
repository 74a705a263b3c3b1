// Clause [C-1]: the instruction sets, and the state of MXCSR.
#include "reprise/numerics/target.h"

#include <gmock/gmock.h>
#include <immintrin.h>

#include <cstdio>

#include "reprise/core/error.h"

namespace reprise::numerics {
namespace {

TEST(Target, PortableIsAlwaysThereAndFirst) {
  const auto targets = available_targets();
  ASSERT_FALSE(targets.empty());
  EXPECT_EQ(targets.front(), Target::kPortable);
  std::string names;
  for (const Target target : targets) names.append(" ").append(to_string(target));
  std::printf("targets of this processor:%s; active: %s\n", names.c_str(),
              std::string(to_string(active_target())).c_str());
  RecordProperty("targets", names);
}

TEST(Target, TheChoiceHoldsUntilTheNext) {
  const Target before = active_target();
  for (const Target target : available_targets()) {
    set_active_target(target);
    EXPECT_EQ(active_target(), target);
  }
  set_active_target(before);
}

TEST(Target, AMissingTargetIsADeviceErrorThatNamesAnother) {
  const auto targets = available_targets();
  if (targets.size() == 3) GTEST_SKIP() << "this processor runs every target";
  try {
    set_active_target(Target::kAvx512);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kDevice);
    EXPECT_THAT(error.hint(), ::testing::HasSubstr(std::string(to_string(targets.back()))));
  }
}

class FloatingPointEnvironment : public ::testing::Test {
 protected:
  void expect_rejected(unsigned bits, const char* words) {
    _mm_setcsr(saved_ | bits);
    std::string message;
    try {
      check_floating_point_environment();
    } catch (const Error& error) {
      message = error.what();
      EXPECT_EQ(error.kind(), ErrorKind::kNumeric);
    }
    _mm_setcsr(saved_);
    EXPECT_THAT(message, ::testing::HasSubstr(words));
  }
  unsigned saved_ = _mm_getcsr();
};

TEST_F(FloatingPointEnvironment, TheDefaultIsAccepted) { EXPECT_NO_THROW(check_floating_point_environment()); }
TEST_F(FloatingPointEnvironment, FlushToZeroIsRejected) { expect_rejected(0x8000, "flush-to-zero"); }
TEST_F(FloatingPointEnvironment, DenormalsAreZeroIsRejected) { expect_rejected(0x0040, "denormals-are-zero"); }
TEST_F(FloatingPointEnvironment, AnotherRoundingModeIsRejected) { expect_rejected(0x4000, "rounding"); }

}  // namespace
}  // namespace reprise::numerics
