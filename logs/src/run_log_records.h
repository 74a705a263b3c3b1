#pragma once
// Records of run.log to payload bytes and back.

#include <string>
#include <string_view>

#include "reprise/logs/run_log.h"

namespace reprise::logs {

std::string encode(const RunHeader& header);
std::string encode(const StepRecord& record);
std::string encode(const CheckpointRecord& record);
std::string encode(const EvaluationRecord& record);

/// Fills the record part of a RunRecord. The error says what is wrong, without the place.
Result<RunRecord> decode(std::string_view payload);

/// What a log may hold next: the header once and first, steps 1, 2, 3, ... (from the step behind the parent's on), and
/// behind a step at most one evaluation record and then (or behind the header) at most one checkpoint record of that
/// step.
class RecordOrder {
 public:
  /// Returns what is wrong with `record` coming next, or an empty text; accepts it in that case.
  std::string accept(const RunRecord& record);
  std::uint64_t last_step() const { return last_step_; }
  bool has_header() const { return has_header_; }
  bool has_checkpoint() const { return has_checkpoint_; }  // of the last step

 private:
  std::uint64_t last_step_ = 0;
  bool has_header_ = false;
  bool has_step_ = false;
  bool has_evaluation_ = false;
  bool has_checkpoint_ = false;
};

/// The step that `record` belongs to; the header belongs to 0.
std::uint64_t step_of(const RunRecord& record);

/// The chain after a frame: SHA-256 of the chain before it and the frame's bytes.
Digest chain_after(const Digest& chain, std::string_view framed_bytes);

}  // namespace reprise::logs
