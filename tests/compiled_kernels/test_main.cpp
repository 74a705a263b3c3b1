// Tests of kernels on the PTX of these kernels.

#include <gtest/gtest.h>

#include "gpu.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int code = RUN_ALL_TESTS();
  reprise::ptx::write_coverage_where_asked();
  reprise::ptx::write_uses_where_asked();
  return code;
}
