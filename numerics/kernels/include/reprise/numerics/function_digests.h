#pragma once
// The published digests of the exact functions (table of docs/numeric_contract.md), and their recomputation. A function
// is its outputs at all 2^32 inputs, in the order of the input's bits; a sample of blocks of them has a digest of its
// own, for a check of seconds. Thread-safe as long as the evaluated function is.

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "reprise/core/hash.h"

namespace reprise::numerics {

/// y[i] = f(x[i]) for i < count. Any implementation may be checked, such as one on a GPU.
using EvaluateFunction = std::function<void(std::int64_t count, const float* x, float* y)>;

struct PublishedFunction {
  std::string_view name;
  void (*evaluate)(std::int64_t count, const float* x, float* y);  // on the active target
  double largest_error_ulp;                                        // over all inputs, to four digits
  std::string_view all_digest;                                     // SHA-256, hexadecimal
  std::string_view sample_digest;
};

/// Returns the table of the contract, in its order.
std::span<const PublishedFunction> published_functions();

enum class FunctionInputs { kSample, kAll };

/// Inputs of one block: consecutive bit patterns, the first a multiple of this.
inline constexpr std::uint64_t kFunctionBlock = 4096;
/// The sample is the blocks whose number is a multiple of this prime.
inline constexpr std::uint64_t kSampleStride = 257;

/// Returns how many inputs there are: 2^32, or those of the sample.
std::uint64_t num_function_inputs(FunctionInputs inputs);

/// Calls `visit` with the inputs, block by block, ascending.
void for_each_function_block(FunctionInputs inputs, const std::function<void(std::span<const float> x)>& visit);

/// Returns the SHA-256 of the outputs, four bytes each, low byte first.
Digest function_digest(const EvaluateFunction& evaluate, FunctionInputs inputs);

struct FunctionCheck {
  PublishedFunction function;
  Digest computed;
  std::string_view published;

  bool same() const { return computed.hex() == published; }
};

/// Recomputes the digests of `functions` and puts them beside the published ones.
std::vector<FunctionCheck> check_functions(FunctionInputs inputs,
                                           std::span<const PublishedFunction> functions = published_functions());

}  // namespace reprise::numerics
