#include "reprise/core/device_name.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

TEST(DeviceName, IsTheCpuAnyGpuOrTheGpuOfANumber) {
  EXPECT_EQ(parse_device_name("cpu"), (DeviceName{.is_cpu = true, .index = std::nullopt}));
  EXPECT_EQ(parse_device_name("cuda"), (DeviceName{.is_cpu = false, .index = std::nullopt}));
  EXPECT_EQ(parse_device_name("cuda:0"), (DeviceName{.is_cpu = false, .index = 0}));
  EXPECT_EQ(parse_device_name("cuda:17"), (DeviceName{.is_cpu = false, .index = 17}));
}

TEST(DeviceName, IsNothingElse) {
  for (const char* name : {"", "gpu", "cpu:0", "cpu ", "CUDA", "cuda0", "cuda:", "cuda:x", "cuda:1x", "cuda: 1",
                           "cuda:+1", "cuda:-1", "cuda:-0", "cuda:99999999999", "cuda:1:2"}) {
    EXPECT_FALSE(parse_device_name(name)) << '"' << name << '"';
  }
}

}  // namespace
}  // namespace reprise
