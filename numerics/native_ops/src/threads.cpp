#include "threads.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <fmt/core.h>

#include <cstdlib>

#include "reprise/core/error.h"

namespace reprise::native_ops {

void expect_fixed_threads(int num_threads) {
  if (num_threads == 1) return;
  for (const char* name : {"OMP_DYNAMIC", "OMP_THREAD_LIMIT"}) {
    REPRISE_REQUIRE(std::getenv(name) == nullptr, ErrorKind::kUsage,
                    fmt::format("{} is set, so that OpenMP may start fewer than the {} threads of "
                                "recipe.native.threads_per_grain, which decide bits",
                                name, num_threads),
                    fmt::format("unset {}", name));
  }
}

void use_threads(int num_threads) {
  // OpenMP and MKL keep the number by thread.
  thread_local int in_use = 0;
  if (in_use == num_threads && at::get_num_threads() == num_threads) return;
  at::set_num_threads(num_threads);
  in_use = num_threads;
}

void fix_native_settings(int num_threads) {
  REPRISE_CHECK(num_threads >= 1);
  expect_fixed_threads(num_threads);
  at::Context& context = at::globalContext();
  context.setDeterministicAlgorithms(true, /*warn_only=*/false);
  // New tensors of the exact operators too would be filled with NaN otherwise; all of them are written whole.
  context.setDeterministicFillUninitializedMemory(false);
}

}  // namespace reprise::native_ops
