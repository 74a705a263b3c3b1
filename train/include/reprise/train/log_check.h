#pragma once
// What a run.log and the headers of checkpoints must say by the recipe and by the steps before: all that needs neither
// the data nor the weights.

#include <cstdint>
#include <filesystem>
#include <memory>

#include "reprise/checkpoints/checkpoint.h"
#include "reprise/configs/config.pb.h"
#include "reprise/logs/run_log.h"

namespace reprise::train {

/// Of the model of `recipe`.
std::int64_t num_parameters(const configs::Recipe& recipe);

/// Throws kCorrupt unless the log of a run of `recipe` begins with `header`. The roots of shards and tokenizer are not
/// looked at, and of the recipe in it no more than that its text has its hash.
void check_log_header(const configs::Recipe& recipe, const logs::RunHeader& header);

/// Follows the steps of a log.
class StepCheck {
 public:
  /// `run`: the folder, where a run that goes on from another one has parent.h5. `recipe` is resolved. Throws
  /// kCheckpoint when that file is not the recipe's parent.
  StepCheck(const std::filesystem::path& run, const configs::Recipe& recipe);
  ~StepCheck();

  /// Throws kCorrupt unless `record` can be that of the step behind those that were passed.
  void check(const logs::StepRecord& record) const;
  /// Goes on behind `record`, of which only losses, norm and whether it was left out are taken.
  void pass(const logs::StepRecord& record);
  /// The header of a checkpoint here, but for recipe, shards and the checkpoint before.
  const checkpoints::Header& header() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reprise::train
