#pragma once
// How many threads LibTorch takes, which decides where it cuts its sums.

namespace reprise::native_ops {

/// Throws Error(kUsage) when the environment can make OpenMP start other than `num_threads` threads.
void expect_fixed_threads(int num_threads);

/// Makes LibTorch use `num_threads` threads for what the calling thread asks of it.
void use_threads(int num_threads);

/// What native operators need before any thread computes: `num_threads` as above, and LibTorch's deterministic
/// algorithms, for the whole process.
void fix_native_settings(int num_threads);

}  // namespace reprise::native_ops
