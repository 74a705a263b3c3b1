#pragma once
// The operators of the native profile: LibTorch's own, differentiated by its autograd. What they promise: the same bits
// for the same tensors, options, LibTorch and machine or model of GPU (gpu.h), whatever else the process runs
// (docs/reference/training.md, "Numerics profiles"). The bits are not those of the numeric contract.

#include <ATen/core/Tensor.h>

#include <memory>

#include "reprise/ops/operator_set.h"

namespace reprise::native_ops {

struct NativeOptions {
  at::ScalarType operand_type = at::kFloat;  // of products and attention: kFloat or kBFloat16; all else is float32
  int num_threads = 1;                       // LibTorch's threads for each calling thread
  /// Of a GPU's head: 1 GiB of bfloat16, enough tokens for the products of any vocabulary. Sums over tokens are cut
  /// where pieces end, so the number decides bits.
  std::int64_t logits_at_once = std::int64_t{1} << 29;
};

/// Returns the native operators. Switches LibTorch's deterministic algorithms on for the whole process, so call it
/// before any thread computes. A parameter has one destination: there is one gradient per pass. Throws Error(kUsage)
/// when the environment lets OpenMP choose another number of threads.
std::unique_ptr<const ops::OperatorSet> make_native_operators(const NativeOptions& options);

}  // namespace reprise::native_ops
