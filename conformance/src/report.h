#pragma once
// What a run of the conformance program found, as text or JSON.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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

/// Two runs of a model in the native profile from the start, with operands of one type.
struct NativeRuns {
  std::string model;
  std::string type;  // "float32", "bfloat16"
  std::int64_t steps = 0, steps_compared = 0;
  std::string failed;  // with which error, a mismatch; empty: what follows was found
  Digest first, again;
  double largest_difference = 0;  // of a step's loss from that of the exact profile, over the steps compared
  double tolerance = 0;           // of that
  double gradient_distance = 0;  // the largest of a tensor's gradient from the exact profile's, over the length of that
  double gradient_tolerance = 0;  // of that; AdamW hides a factor of a gradient from the losses

  std::uint64_t num_mismatches() const {
    return failed.empty() ? static_cast<std::uint64_t>(!same()) + static_cast<std::uint64_t>(!near()) : 1;
  }
  bool same() const { return first == again; }
  bool near() const { return largest_difference <= tolerance && gradient_distance <= gradient_tolerance; }
};

struct NativeReport {
  std::string not_run;  // why; empty: it was
  std::string device;   // what decides bits there
  std::vector<NativeRuns> runs;
};

struct Report {
  std::string device;  // "cuda: NVIDIA H100 ..."
  std::string cpu;     // target of the CPU's kernels
  std::optional<OperatorReport> operators;
  std::string function_inputs;  // "all", "sample"
  std::vector<numerics::FunctionCheck> functions;
  std::optional<TrainingReport> training;
  std::optional<NativeReport> native;

  /// Cells, functions, points of training, and native bits, losses and gradients that are not as expected.
  std::uint64_t num_mismatches() const;
};

/// What the text has of a part, in a line: said as soon as the part is known, for a report is printed at the end.
std::string line_of(const OperatorReport& operators);
std::string line_of(const numerics::FunctionCheck& check, std::string_view inputs);
std::string line_of(const TrainingPoint& point);
std::string line_of(const NativeRuns& runs);

std::string to_text(const Report& report);
std::string to_json(const Report& report);

}  // namespace reprise::conformance
