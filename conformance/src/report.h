#pragma once
// What a run of the conformance program found, as text or JSON.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reprise/core/hash.h"
#include "reprise/numerics/function_digests.h"

namespace reprise::conformance {

struct OperatorReport {
  std::uint32_t num_operators = 0;
  std::uint32_t num_cells = 0;
  std::uint64_t num_values = 0;
  std::uint32_t num_different_cells = 0;
  std::vector<std::string> differences;  // the first ones, in words
  Digest digest;                         // over the CPU's outputs, NaNs as one value
};

struct TrainingPoint {
  std::int64_t steps = 0;
  Digest computed;
  std::string expected;  // hexadecimal: published, or computed on the CPU in this run
};

struct TrainingReport {
  std::int64_t num_parameters = 0;
  std::int64_t steps = 0;
  double seconds = 0;
  double first_loss = 0, last_loss = 0;
  std::vector<TrainingPoint> points;
};

struct Report {
  std::string device;  // "cuda: NVIDIA H100 ..."
  std::string cpu;     // target of the CPU's kernels
  std::optional<OperatorReport> operators;
  std::string function_inputs;  // "all", "sample"
  std::vector<numerics::FunctionCheck> functions;
  std::optional<TrainingReport> training;

  /// Cells, functions and points of training that are not as expected.
  std::uint64_t num_mismatches() const;
};

std::string to_text(const Report& report);
std::string to_json(const Report& report);

}  // namespace reprise::conformance
